import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Blueprints } from '../core/blueprint.ts'
import { parseBlueprint, writeBlueprint } from './blueprint.ts'

/** What the lab offers to try: the examples of this package. */
export const labBlueprints = fileURLToPath(new URL('../../../examples/', import.meta.url))

const mostBytes = 256 * 1024
const ending = /\.(?:ya?ml|json)$/

/**
 * The blueprints of one folder. Chat names a file and never a path: what is applied has been written down where it can
 * be reviewed, and a message cannot make the bot read anything else.
 */
export function openBlueprints(folder: string | undefined): Blueprints {
  const list = async (): Promise<string[] | undefined> => {
    if (folder === undefined) return undefined
    const files = await readdir(folder).catch(() => [])
    return files.filter((file) => ending.test(file) && file !== 'quorum.yaml').sort()
  }
  return {
    list,
    async read(name) {
      const wanted = name.toLowerCase()
      const file = (await list())?.find((one) =>
        [one, one.replace(ending, '')].some((as) => as.toLowerCase() === wanted),
      )
      if (folder === undefined || file === undefined) return undefined
      const path = join(folder, file)
      if ((await stat(path)).size > mostBytes) return { faults: [{ line: 1, column: 1, path: '', code: 'syntax' }] }
      return parseBlueprint(await readFile(path, 'utf8'))
    },
    write: writeBlueprint,
  }
}

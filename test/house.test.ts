import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What a tool of the house, run in the root, has to complain about; empty when it is content. */
const faultsOf = (...command: string[]): Promise<string> =>
  new Promise((resolve) => {
    execFile(process.execPath, command, { cwd: root }, (error, out, err) => resolve(error ? `${out}\n${err}` : ''))
  })

test('biome finds every file formatted and linted', async () => {
  const args = ['check', '--config-path=.ci', '--error-on-warnings', '--diagnostic-level=warn', '--colors=off', '.']
  const faults = await faultsOf('node_modules/@biomejs/biome/bin/biome', ...args)
  if (faults) expect.fail(faults)
})

test('knip finds no unused file, export or package', async () => {
  const faults = await faultsOf('node_modules/knip/bin/knip.js', '--no-progress')
  if (faults) expect.fail(faults)
})

test('package-lock.json was made from this package.json', () => {
  const read = (file: string) => JSON.parse(readFileSync(join(root, file), 'utf8'))
  const wanted = ({ dependencies, devDependencies, engines }: Record<string, object>) => ({
    dependencies,
    devDependencies,
    engines,
  })
  expect(wanted(read('package-lock.json').packages[''])).toEqual(wanted(read('package.json')))
})

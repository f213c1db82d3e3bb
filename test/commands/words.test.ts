import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { z } from 'zod'
import { describeArg } from '../../src/core/args.ts'
import { en } from '../../src/text/en.ts'
import { es } from '../../src/text/es.ts'
import { catalogue } from './stage.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string) => readFileSync(`${root}${path}.ts`, 'utf8')

/** The file, and the rooms of its own that it is made of. */
function source(path: string): string {
  const own = read(path)
  const rooms = [...own.matchAll(/from '..\/(src\/drill\/[\w-]+).ts'/g)].map(([, room]) => read(room!))
  return [own, ...rooms].join('\n')
}

/** Every text below a value, by its path: `refusals.no-node.says`. */
function texts(value: unknown, path = ''): [string, string][] {
  if (typeof value === 'string') return [[path, value]]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => texts(inner, path === '' ? key : `${path}.${key}`))
}

const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

interface Piece {
  name: string
  text: { en: object; es: object }
}

const commands = catalogue.entries.filter(({ path, file }) => path === file)
const workerNames = readdirSync(`${root}workers`).map((file) => file.replace(/\.ts$/, ''))
const workers = workerNames.map((name) => ({ name, worker: catalogue.worker(name)! }))
const pieces: Piece[] = [
  ...commands.map(({ path, command }) => ({ name: `commands/${path.replaceAll(' ', '/')}`, text: command.text })),
  ...workers.map(({ name, worker }) => ({ name: `workers/${name}`, text: worker.text })),
  ...[...catalogue.groups].map(([name, group]) => ({ name: `commands/${name}/group`, text: group.text })),
]

describe.each([...pieces, { name: 'src/text', text: { en, es } }])('$name', ({ text }) => {
  test('says everything in both languages, with the same places to fill', () => {
    const english = texts(text.en)
    const spanish = new Map(texts(text.es))
    expect([...spanish.keys()].sort()).toEqual(english.map(([path]) => path).sort())
    for (const [path, words] of english) {
      expect(words.trim(), path).not.toBe('')
      expect(spanish.get(path)?.trim(), path).not.toBe('')
      expect(places(spanish.get(path)!), path).toEqual(places(words))
    }
  })
})

/** Where a worker's work is done in rooms of its own. */
const rooms: Record<string, string[]> = {
  'workers/drill': readdirSync(`${root}src/drill`).map((file) => `src/drill/${file.replace(/\.ts$/, '')}`),
}

describe.each(pieces.filter(({ name }) => !name.endsWith('/group')))('$name', ({ name, text }) => {
  const code = [name, ...(rooms[name] ?? [])].map(source).join('\n')
  const own = text.en as { refusals?: object; words?: object }

  test('has words for every refusal that it throws', () => {
    const thrown = [...code.matchAll(/new Refused\(\s*'([\w-]+)'/g)].map(([, refusal]) => refusal!)
    for (const refusal of thrown) expect(Object.keys({ ...en.errors, ...own.refusals })).toContain(refusal)
  })

  test('throws every refusal and says every word that it has', () => {
    for (const refusal of Object.keys(own.refusals ?? {}))
      expect(code).toMatch(new RegExp(`Refused\\(\\s*'${refusal}'`))
    // Said by what follows: say(`how-${restore}`).
    const begun = [...code.matchAll(/say\(`([\w-]+)\$\{/g)].map(([, start]) => start!)
    // `help` says a risk by its name.
    const words = Object.keys(own.words ?? {}).filter(
      (word) =>
        !['reads', 'changes', 'endangers', 'destroys'].includes(word) && !begun.some((start) => word.startsWith(start)),
    )
    for (const word of words) {
      const uses = [...code.matchAll(new RegExp(`\\b${word}\\b`, 'g'))].length
      expect(uses, `${word} is defined and never said`).toBeGreaterThan(2)
    }
  })
})

describe.each(commands)('$path', ({ path, command }) => {
  const shape = Object.entries(command.args.shape)

  test('fits what Discord takes', () => {
    for (const word of path.split(' ')) expect(word).toMatch(/^[a-z][a-z0-9-]{0,31}$/)
    for (const [name] of shape) expect(name).toMatch(/^[a-z][a-z0-9-]{0,31}$/)
    expect(shape.length).toBeLessThanOrEqual(25)
    for (const language of ['en', 'es'] as const) {
      const { summary, args } = command.text[language]
      for (const described of [summary, ...Object.values(args)]) {
        expect(described.length, described).toBeLessThanOrEqual(100)
      }
    }
  })

  test('describes every argument, and takes at most two without their names', () => {
    expect(Object.keys(command.text.en.args).sort()).toEqual(shape.map(([name]) => name).sort())
    for (const [, schema] of shape) expect(() => describeArg(schema as z.ZodType)).not.toThrow()
    const positionals = command.positionals ?? []
    expect(positionals.length).toBeLessThanOrEqual(2)
    for (const name of positionals) expect(Object.keys(command.args.shape)).toContain(name)
  })

  test('stands in groups that exist', () => {
    const groups = [path, ...(command.also ?? []).map((group) => `${group} x`)].flatMap((one) =>
      one.includes(' ') ? one.split(' ')[0]! : [],
    )
    for (const group of groups) expect([...catalogue.groups.keys()]).toContain(group)
  })

  test('needs a role for what is more than reading, and a cluster for what can endanger one', () => {
    expect(command.cluster === false && ['endangers', 'destroys'].includes(command.risk)).toBe(false)
    if (command.risk !== 'reads') expect(command.role).not.toBe('anyone')
  })
})

test('Spanish is that of Latin America: tú, clúster, nodo, máquina', () => {
  const all = [...pieces.flatMap(({ text }) => texts(text.es)), ...texts(es)].map(([, text]) => text)
  const foreign = /\b(?:vosotros|ordenador|usted|vos|clusters?|hacé|escribí|habéis|podéis)\b/i
  // What stands in braces, before a colon, in backticks or quotes is typed or clicked and not said; so are our commands.
  const typed =
    /\{\w+\}|→ Cluster\b|Cluster Name|pve-cluster|\bcluster (?:create|join|info|remove)\b|\w+:|`[^`]*`|«[^»]*»/g
  expect(all.filter((text) => foreign.test(text.replace(typed, '')))).toEqual([])
})

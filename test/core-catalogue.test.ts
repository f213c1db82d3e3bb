import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { loadCatalogue } from '../src/app.ts'
import { complete } from '../src/core/complete.ts'
import { near } from '../src/core/near.ts'
import { tokenize } from '../src/core/parse.ts'
import { Access, holds, roles } from '../src/core/roles.ts'

const catalogue = await loadCatalogue()
const find = (line: string) => catalogue.find(tokenize(line))

describe('near', () => {
  test.each([
    ['creat', ['create'], ['create']],
    ['crate', ['create', 'clone'], ['create']],
    ['lsit', ['list', 'show'], ['list']],
    ['wbe1', ['web1', 'db1'], ['web1']],
    ['xyz', ['web1', 'db1'], []],
    ['WEB', ['web1'], ['web1']],
  ])('%s', (typed, candidates, expected) => expect(near(typed, candidates)).toEqual(expected))

  test('finds a word with one slip of the finger in it', () => {
    const word = fc.stringMatching(/^[a-z]{5,12}$/)
    fc.assert(
      fc.property(word, fc.nat(), fc.constantFrom('drop', 'double', 'swap'), (text, where, slip) => {
        const i = where % (text.length - 1)
        const typed = {
          drop: text.slice(0, i) + text.slice(i + 1),
          double: text.slice(0, i) + text[i] + text.slice(i),
          swap: text.slice(0, i) + text[i + 1] + text[i] + text.slice(i + 2),
        }[slip]
        expect(near(typed, [text])).toEqual([text])
      }),
    )
  })
})

describe('find', () => {
  test('a command is found by its whole name, in any case', () => {
    for (const { path } of catalogue.entries) {
      expect(find(`${path.toUpperCase()} rest`)).toMatchObject({ entry: { path }, rest: [{ text: 'rest' }] })
    }
  })

  test('ct start runs the file of vm start', () => {
    expect(find('ct start 101')).toMatchObject({ entry: { path: 'ct start', file: 'vm start' } })
  })

  test.each([
    ['vm creat', 'vm creat', ['vm create']],
    ['vm', 'vm', expect.arrayContaining(['vm clone', 'vm create'])],
    ['vmcreate', 'vmcreate', ['vm create']],
    ['strage list', 'strage list', ['storage list']],
    ['stats', 'stats', ['status']],
    ['xyzzy plugh', 'xyzzy plugh', []],
  ])('%s is no command', (line, unknown, close) => {
    expect(find(line)).toEqual({ unknown: expect.stringContaining(unknown.split(' ')[0]!), near: close })
  })

  test('nothing is nothing', () => expect(find('  ')).toBeUndefined())

  test('never throws, and suggests only what exists', () => {
    const paths = catalogue.entries.map(({ path }) => path)
    const known = [...paths, ...catalogue.groups.keys()]
    const word = fc.oneof(fc.constantFrom(...paths.flatMap((path) => path.split(' '))), fc.string({ maxLength: 10 }))
    fc.assert(
      fc.property(fc.array(word, { maxLength: 4 }), (texts) => {
        const found = catalogue.find(texts.map((text) => ({ text, quoted: false })))
        if (found && 'unknown' in found) for (const close of found.near) expect(known).toContain(close)
      }),
    )
  })
})

describe('complete', () => {
  const ask = { language: 'en' as const, proxmox: undefined, most: 20 }

  test('offers only what the asker may run', async () => {
    const all = await complete('/pve vm ', catalogue, { ...ask, may: () => true })
    expect(all.map(({ label }) => label)).toContain('vm delete')
    const few = await complete('/pve vm ', catalogue, { ...ask, may: ({ command }) => holds('viewer', command.role) })
    expect(few.map(({ label }) => label)).toEqual(['vm list', 'vm show'])
  })

  test('offers the arguments that are not given yet', async () => {
    const offered = await complete('vm create web1 cores:2 ', catalogue, { ...ask, may: () => true })
    const labels = offered.map(({ label }) => label)
    expect(labels).toContain('memory:')
    expect(labels).not.toContain('cores:')
  })
})

describe('roles', () => {
  test('each holds what the ones below it hold; without one, only what asks for none', () => {
    expect(roles.map((held) => roles.map((needed) => holds(held, needed)))).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
    expect([...roles, undefined].map((held) => holds(held, 'anyone'))).toEqual([true, true, true, true])
    expect(roles.map((needed) => holds(undefined, needed))).toEqual([false, false, false])
  })

  test('a grant reaches as far as it says', async () => {
    const access = new Access(
      [
        { role: 'viewer', who: ['web:*'] },
        { role: 'operator', who: ['ana'], clusters: ['lab'], channels: ['web:ops'] },
      ],
      [{ name: 'ana', ids: ['web:ana', 'slack:U1'] }],
      { groupsOf: async (identity) => (identity.startsWith('web:') ? ['web:*'] : []) },
    )
    const role = (identity: string, cluster: string | undefined, channel: string) =>
      access.roleOf(identity, { cluster, channel })
    expect(await role('web:ana', 'lab', 'web:ops')).toBe('operator')
    expect(await role('slack:U1', 'lab', 'web:ops')).toBe('operator')
    expect(await role('web:ana', 'main', 'web:ops')).toBe('viewer')
    expect(await role('web:ana', 'lab', 'web:general')).toBe('viewer')
    expect(await role('slack:U1', 'main', 'web:ops')).toBeUndefined()
    expect(access.whoMay('operator', { cluster: 'lab', channel: 'web:ops' })).toEqual(['ana'])
    expect(access.whoMay('operator', { cluster: 'main', channel: 'web:ops' })).toEqual([])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { arg } from '../src/core/args.ts'
import { type Command, defineCommand } from '../src/core/command.ts'
import { Refused } from '../src/core/errors.ts'
import { convert, longestLine, missing, sort, tokenize } from '../src/core/parse.ts'

const words = { summary: 's', args: { guest: 'g', storage: 's', memory: 'm', disk: 'd', full: 'f', note: 'n' } }

/** A command with every rule of typing in it. */
const command = defineCommand({
  role: 'viewer',
  risk: 'reads',
  args: z.object({
    guest: arg.guest(),
    storage: arg.storage().optional(),
    memory: arg.size({ bare: 'M' }).prefault('2G'),
    disk: arg.disk().optional(),
    full: arg.boolean().optional(),
    note: arg.name().optional(),
  }),
  positionals: ['guest', 'note'],
  text: { en: words, es: words },
  examples: [],
  plan: () => ({ kind: 'answer', answer: { title: 't' } }),
})

const spoken = { summary: 's', args: { guest: 'g', text: 't', node: 'n' } }
/** Its last positional is free text. */
const talking = defineCommand({
  role: 'viewer',
  risk: 'reads',
  args: z.object({ guest: arg.guest(), text: arg.text(), node: arg.node().optional() }),
  positionals: ['guest', 'text'],
  text: { en: spoken, es: spoken },
  examples: [],
  plan: () => ({ kind: 'answer', answer: { title: 't' } }),
})

const given = (line: string, of: Command = command) => sort(tokenize(line), of)
const texts = (line: string) => tokenize(line).map(({ text }) => text)

/** The code that `work` is refused with; anything else that it throws fails the test. */
function refusal(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error.code
    throw error
  }
}

describe('tokenize', () => {
  test.each([
    ['vm list', ['vm', 'list']],
    ['  vm \t list\n', ['vm', 'list']],
    ['note "two words"', ['note', 'two words']],
    ["note 'two words'", ['note', 'two words']],
    ['note:"two words"', ['note:two words']],
    ["note='two words'", ['note=two words']],
    ['note:“two words”', ['note:two words']],
    ['«dos palabras»', ['dos palabras']],
    ['„zwei Worte“', ['zwei Worte']],
    ['‘two words’', ['two words']],
    ['`two words`', ['two words']],
    ["don't stop", ["don't", 'stop']],
    ['""', ['']],
    ['a\u00a0b', ['a', 'b']],
    ['', []],
  ])('%j', (line, expected) => expect(texts(line)).toEqual(expected))

  test('a word that was in quotes from its first character is never key:value', () => {
    expect(tokenize('"memory:4G" memory:4G').map(({ quoted }) => quoted)).toEqual([true, false])
  })

  test.each(['say "hello', 'note:“hello', "'"])('an open quote is refused: %j', (line) => {
    expect(refusal(() => tokenize(line))).toBe('open-quote')
  })

  test('a line that is too long is refused', () => {
    expect(refusal(() => tokenize('x'.repeat(longestLine)))).toBeUndefined()
    expect(refusal(() => tokenize('x'.repeat(longestLine + 1)))).toBe('too-long')
  })

  test('never throws anything but a refusal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (line) => {
        refusal(() => tokenize(line))
      }),
    )
  })

  test('plain words come back as they are, whatever stands between them', () => {
    const word = fc.stringMatching(/^[a-z0-9._/-]{1,12}$/)
    const space = fc.constantFrom(' ', '   ', '\t', '\n', '\u00a0')
    fc.assert(
      fc.property(fc.array(fc.tuple(word, space), { maxLength: 20 }), (pairs) => {
        expect(texts(pairs.map(([text, between]) => text + between).join(''))).toEqual(pairs.map(([text]) => text))
      }),
    )
  })

  test('whatever has no such quote in it survives quoting', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 100 }), (text) => {
        fc.pre(!text.includes('"'))
        expect(texts(`key:"${text}"`)).toEqual([`key:${text.normalize('NFC')}`])
      }),
    )
  })
})

describe('sort', () => {
  test.each([
    ['web1 memory:4G', { guest: 'web1', memory: '4G' }],
    ['web1 memory=4G', { guest: 'web1', memory: '4G' }],
    ['web1 --memory 4G', { guest: 'web1', memory: '4G' }],
    ['web1 --memory=4G', { guest: 'web1', memory: '4G' }],
    ['web1 --memory:4G', { guest: 'web1', memory: '4G' }],
    ['web1 —memory 4G', { guest: 'web1', memory: '4G' }],
    ['web1 MEMORY:4G', { guest: 'web1', memory: '4G' }],
    ['memory:4G web1', { guest: 'web1', memory: '4G' }],
    ['vm:100', { guest: 'vm:100' }],
    ['https://example.org/x?a=b', { guest: 'https://example.org/x?a=b' }],
    ['NAS:iso/debian-12.iso', { guest: 'NAS:iso/debian-12.iso' }],
    ['web1 disk:Storage:32G', { guest: 'web1', disk: 'Storage:32G' }],
    ['web1 disk:32G', { guest: 'web1', disk: '32G' }],
    ['web1 --full', { guest: 'web1', full: 'true' }],
    ['--full web1', { guest: 'web1', full: 'true' }],
    ['--full no web1', { guest: 'web1', full: 'no' }],
    ['web1 --full --memory 4G', { guest: 'web1', full: 'true', memory: '4G' }],
    ['"memory:4G"', { guest: 'memory:4G' }],
    ['web1 two', { guest: 'web1', note: 'two' }],
    ['guest:web1 two', { guest: 'web1', note: 'two' }],
  ])('%s', (line, expected) => expect(given(line).values).toEqual(expected))

  test.each([
    ['web1 memory:4G memory:8G', 'twice'],
    ['web1 memory:', 'no-value'],
    ['web1 --memory', 'no-value'],
    ['web1 --memory=', 'no-value'],
    ['web1 memry:4G', 'unknown-argument-near'],
    ['web1 --memry 4G', 'unknown-argument-near'],
    ['web1 --zzzzzz 4G', 'unknown-argument'],
    ['web1 two x:1', 'unknown-argument'],
    ['web1 two three', 'left-over'],
    ['web1 two "x:1"', 'left-over'],
  ])('%s is refused: %s', (line, code) => expect(refusal(() => given(line))).toBe(code))

  test('cluster and explain belong to every command', () => {
    expect(given('web1 cluster:lab --explain')).toEqual({ values: { guest: 'web1' }, cluster: 'lab', explain: true })
    expect(given('web1 explain:false').explain).toBe(false)
  })

  test('a last positional of text takes the words that are left', () => {
    expect(given('web1 it will not start', talking).values).toEqual({ guest: 'web1', text: 'it will not start' })
    expect(given('web1 as vm:100 does node:pve1', talking).values).toEqual({
      guest: 'web1',
      text: 'as vm:100 does',
      node: 'pve1',
    })
    expect(given('web1 text:short', talking).values).toEqual({ guest: 'web1', text: 'short' })
    expect(refusal(() => given('web1 text:short more', talking))).toBe('left-over')
  })

  test('never throws anything but a refusal, nor takes what is no argument', () => {
    const piece = fc.oneof(
      fc.constantFrom('memory:', 'disk=', '--', '--full', 'constructor:x', '__proto__=y', '"', 'toString', 'vm:100'),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        refusal(() => {
          const sorted = given(pieces.join(' '))
          for (const key of Object.keys(sorted.values)) expect(Object.keys(command.args.shape)).toContain(key)
          if (missing(sorted, command).length === 0) convert(sorted, command)
        })
      }),
    )
  })

  test('key:value, key=value and --key value are the same, wherever they stand', () => {
    const value = fc.stringMatching(/^[A-Za-z0-9./][A-Za-z0-9./:=-]{0,10}$/)
    fc.assert(
      fc.property(value, fc.boolean(), (text, before) => {
        const forms = [`storage:${text}`, `storage=${text}`, `--storage ${text}`, `--storage=${text}`]
        const lines = forms.map((form) => (before ? `${form} web1` : `web1 ${form}`))
        for (const line of lines) expect(given(line).values).toEqual({ guest: 'web1', storage: text })
      }),
    )
  })
})

describe('convert', () => {
  test('gives values of their kinds, and the defaults', () => {
    expect(convert(given('web1 disk:Storage:32G full:yes'), command)).toEqual({
      guest: 'web1',
      memory: 2 * 1024 ** 3,
      disk: { storage: 'Storage', bytes: 32 * 1024 ** 3 },
      full: true,
    })
  })

  test.each(['memory:lots', 'full:maybe', 'full:constructor', 'disk::1G', 'disk:x', 'note:under_score'])(
    '%s does not fit',
    (pair) => expect(refusal(() => convert(given(`web1 ${pair}`), command))).toBe('bad-argument'),
  )

  test('tells which required arguments are missing', () => {
    expect(missing(given('memory:4G'), command)).toEqual(['guest'])
    expect(missing(given('web1'), command)).toEqual([])
  })
})

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { render, renderShort } from '../src/chat/discord/render.ts'
import { tableText } from '../src/chat/discord/table.ts'
import { cut, escaped, escapeText, plain } from '../src/chat/discord/text.ts'
import { actionIds, type Message, type State } from '../src/core/message.ts'
import { adapter, isClean } from './chat-discord-fixture.ts'
import { buttonsIn, textsIn } from './stand-ins/discord/index.ts'
import { messageProblems, pingsOf } from './stand-ins/discord/message-rules.ts'
import { specProblems } from './stand-ins/discord/spec.ts'

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const nasty = '@everyone <@1> <@&2> <#3> **b** __u__ ~~s~~ ||x|| `c` ```d``` [l](https://evil.example) > # - 1. \\ _'
const arabic = 'خادم الملفات'
const family = '👩‍👩‍👧‍👦'

const worst: Record<string, Message> = {
  'a table of 500 rows': {
    title: 'Machines',
    state: 'info',
    table: {
      columns: ['VMID', 'Name', 'Node', 'State'],
      rows: many(500, (i) => [`${100 + i}`, `web${i}`, 'pve1', 'running']),
    },
  },
  'an error of 4 KB with everything else': {
    title: 'x'.repeat(4000),
    state: 'failed',
    error: { code: 'x', says: 'y'.repeat(4096), hint: 'z'.repeat(4096), raw: `${nasty}\n`.repeat(60) },
    text: 't'.repeat(4096),
    progress: { step: 1, of: 3, percent: 140, label: 'l'.repeat(500) },
    fields: many(60, (i) => ({ name: `n${i}`.repeat(60), value: 'v'.repeat(2000) })),
    table: { columns: many(30, String), rows: many(500, (i) => many(30, (j) => `${i}.${j} ${nasty}`)) },
    log: many(500, (i) => `${i} ${'w'.repeat(300)}`),
    actions: actionIds.map((id) => ({ id, label: 'A'.repeat(200), style: 'danger' as const })),
    image: { alt: 'a'.repeat(2000), url: 'https://quorum.example/i.png' },
  },
  'one word without end': { title: 'Log', state: 'running', log: ['x'.repeat(9000)], text: '' },
  'marks of markdown and mentions': {
    title: nasty,
    state: 'ok',
    text: nasty,
    fields: [{ name: nasty, value: `${nasty}\n${nasty}` }],
    table: { columns: [nasty], rows: [[nasty]] },
    log: [nasty],
  },
  'emoji and right to left': {
    title: family.repeat(200),
    state: 'waiting',
    fields: [{ name: arabic, value: '' }],
    table: {
      columns: ['Name', 'Node'],
      rows: [
        [arabic, 'pve1'],
        [family, ''],
        ['日本語', 'pve2'],
      ],
    },
  },
  'almost nothing': { title: '', state: 'stale', fields: [], log: [], table: { columns: [], rows: [] }, actions: [] },
  'an address that is none': { title: 'Picture', state: 'info', image: { alt: 'Nodes', url: 'not a url' } },
}

const problemsOf = (body: unknown): string[] => {
  const { problems, unknown } = specProblems('create_message', body)
  return [...problems, ...unknown, ...messageProblems(body, { mayBeEphemeral: false, files: 0 }), ...pingsOf(body)]
}

describe('the worst of cards stays within every limit', () => {
  for (const [what, message] of Object.entries(worst)) {
    test(what, () => {
      expect(problemsOf(render(message, 'c-1'))).toEqual([])
      expect(problemsOf(renderShort(message, 'c-1', '42'))).toEqual([])
      const marked = render(message, 'c-1', 'SIMULATED')
      expect(problemsOf(marked)).toEqual([])
      expect(textsIn(marked.components).at(-1)).toBe('-# **SIMULATED**')
      expect(problemsOf(renderShort(message, 'c-1', '42', 'SIMULATED'))).toEqual([])
    })
  }

  test('posted and edited, Discord takes them all', async () => {
    const { discord, carrier, card } = await adapter()
    for (const [key, message] of Object.entries(worst)) {
      const posted = await carrier.post(card({ title: 'At first', state: 'queued' }, { key }), false, undefined)
      await carrier.edit(card(message, { key }), posted, undefined)
    }
    expect(discord.messages('general').map(({ edits }) => edits)).toEqual(Object.keys(worst).map(() => 1))
    isClean(discord)
  })

  test('whatever stands in it', () => {
    const text = fc.string({ unit: 'binary', maxLength: 300 })
    const piece = fc.oneof(
      text,
      fc.constantFrom(nasty, arabic, family, '```', '\\', 'https://a_b_c/*d*', '@here', '\u202e'),
    )
    const words = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(' '))
    const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 12 })
    const messages = fc.record<Message>(
      {
        title: words,
        state: fc.constantFrom<State>('ok', 'failed', 'waiting'),
        text: words,
        error: fc.record(
          { code: text, says: words, hint: words, raw: words },
          { requiredKeys: ['code', 'says', 'hint'] },
        ),
        fields: list(fc.record({ name: words, value: words })),
        table: fc.record({ columns: list(words), rows: list(list(words)) }),
        log: list(words),
        actions: list(fc.record({ id: fc.constantFrom(...actionIds), label: words })).map((actions) =>
          actions.filter(({ id }, i) => actions.findIndex((other) => other.id === id) === i),
        ),
      },
      { requiredKeys: ['title', 'state'] },
    )
    fc.assert(
      fc.property(messages, (message) => {
        expect(problemsOf(render(message, 'c-1'))).toEqual([])
        expect(problemsOf(renderShort(message, 'c-1', undefined))).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})

describe('what is shown', () => {
  test('somebody’s text stays text', () => {
    expect(escapeText('**b** _u_ `c [l](x) <@1> ||s||')).toBe(
      '\\*\\*b\\*\\* \\_u\\_ \\`c \\[l\\](x) \\<@1> \\|\\|s\\|\\|',
    )
    expect(escapeText('# big\n> quote\n- list\n12. twelve\na - b')).toBe(
      '\\# big\n\\> quote\n\\- list\n12\\. twelve\na - b',
    )
    expect(escaped('Type `/pve vm start web_1` or /pve help_me', 100)).toBe('Type `/vm start web_1` or /help\\_me')
    expect(escapeText('@everyone @here a@b.c')).toBe('@\u200beveryone @\u200bhere a@b.c')
    expect(escapeText('see https://pve1:8006/#v1:_x_:4 now_')).toBe('see https://pve1:8006/#v1:_x_:4 now\\_')
  })

  test('what is not text is left out', () => {
    expect(plain('\u001b[31mred\u001b[0m\r\nabc\u202e\u0007\ud800\n[INFO] x')).toBe('red\nabc\n[INFO] x')
    expect(cut(`ab${family}`, 4)).toBe('ab…')
    expect(escaped('*'.repeat(50), 20).length).toBeLessThanOrEqual(20)
  })

  test('a table in columns, the rows left out counted, right to left kept apart', () => {
    const rows = [
      ['web1', 'pve1'],
      ['日本語', 'pve2'],
      [arabic, 'pve3'],
    ]
    expect(tableText({ columns: ['Name', 'Node'], rows }, 500)).toBe(
      [
        '```',
        'Name          Node',
        'web1          pve1',
        '日本語        pve2',
        `\u2068${arabic}\u2069  pve3`,
        '```',
      ].join('\n'),
    )
    const long = tableText({ columns: ['N'], rows: many(500, (i) => [String(i)]) }, 60)
    expect(long.length).toBeLessThanOrEqual(60)
    expect(long).toContain('… +')
  })

  test('the newest lines of a log', () => {
    const { components } = render({ title: 'Log', state: 'running', log: many(2000, (i) => `line ${i}`) }, 'c-1')
    const [, log] = textsIn(components)
    expect(log).toContain('line 1999\n```')
    expect(log).not.toContain('line 0\n')
  })

  test('buttons with the action and the card', () => {
    const { components } = render(
      {
        title: 'x',
        state: 'waiting',
        actions: [
          { id: 'approve', label: 'Approve', style: 'danger' },
          { id: 'cancel', label: '' },
        ],
      },
      'c-1',
    )
    expect(buttonsIn(components)).toEqual([
      { customId: 'approve:c-1', label: 'Approve', style: 4 },
      { customId: 'cancel:c-1', label: 'cancel', style: 2 },
    ])
  })
})

import { describe, expect, test } from 'vitest'
import { modal, suggestions } from '../src/chat/slack/modal.ts'
import { render } from '../src/chat/slack/render.ts'
import { asked, cut, cutEscaped } from '../src/chat/slack/text.ts'
import type { Action, FormField, Message, State } from '../src/core/message.ts'
import { blockProblems, textsIn, viewProblems } from './stand-ins/slack/index.ts'

/** Deterministic: the same seed gives the same message. */
function dice(seed: number) {
  let state = seed
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const upTo = (most: number) => Math.floor(next() * (most + 1))
  return { upTo, one: <T>(of: readonly T[]): T => of[upTo(of.length - 1)]! }
}

/** What names, comments and logs of a cluster may hold. */
const pieces = [
  'web-1',
  '<!channel>',
  '<!subteam^S1>',
  '<@U1>',
  '@everyone @here',
  '<https://evil.example|click here>',
  '&amp;&lt;',
  '&&&&<<<<>>>>',
  '```',
  '`*_~`',
  '👩‍👩‍👧‍👦🇪🇨',
  'مرحبا بالعالم',
  '\u202Egnp.exe',
  'e\u0301\u0301\u0301',
  '\u0000\u0007\u001b[31m',
  'line\nbreak\r\n',
  'a'.repeat(4096),
  '<'.repeat(4096),
  '👩‍👩‍👧‍👦'.repeat(600),
  '',
  ' ',
]

const states: State[] = ['info', 'queued', 'running', 'waiting', 'ok', 'warning', 'failed', 'refused', 'stale']

function message(seed: number): Message {
  const { upTo, one } = dice(seed)
  const text = () => Array.from({ length: upTo(4) }, () => one(pieces)).join(one(['', ' ']))
  const many = <T>(most: number, make: () => T): T[] => Array.from({ length: upTo(most) }, make)
  const actions = (['confirm', 'cancel', 'approve', 'reject', 'retry', 'log'] as const).slice(0, upTo(6))
  return {
    title: text(),
    state: one(states),
    ...(upTo(1) ? { text: text() } : {}),
    ...(upTo(1) ? { fields: many(50, () => ({ name: text(), value: text() })) } : {}),
    ...(upTo(1)
      ? {
          table: {
            columns: many(25, text),
            rows: many(500, () => many(25, () => (upTo(20) ? one(pieces.slice(0, 14)) : text()))),
          },
        }
      : {}),
    ...(upTo(1) ? { progress: { step: upTo(9), of: 9, percent: upTo(300) - 100, label: text() } } : {}),
    ...(upTo(1) ? { log: many(200, text) } : {}),
    ...(upTo(1) ? { error: { code: 'x', says: text(), hint: text(), raw: text() } } : {}),
    ...(upTo(3)
      ? {}
      : {
          image: { alt: text(), url: one(['https://x.example/a.png', 'data:image/png;base64,AA==', 'javascript:1']) },
        }),
    actions: actions.map((id): Action => ({ id, label: text(), style: one(['primary', 'danger']) })),
  }
}

describe('rendering for Slack', () => {
  test('250 messages at their worst stay inside every limit, and nothing in them is a mark of Slack’s', () => {
    for (let seed = 0; seed < 250; seed++) {
      const { text, blocks } = render(message(seed), 'c-12345678901234567890', seed % 2 ? 'SIMULATED' : undefined)
      expect(blockProblems(blocks), `seed ${seed}`).toEqual([])
      expect(text.trim()).not.toBe('')
      expect(Buffer.byteLength(text)).toBeLessThan(4000)
      expect(JSON.stringify(blocks)).not.toContain('\u202E')
      const marked = blocks.flatMap((block) => (block.type === 'table' ? [] : mrkdwnIn(block)))
      expect(
        marked.filter((one) => /[<>]|&(?!amp;|lt;|gt;)/.test(one)),
        `seed ${seed}`,
      ).toEqual([])
    }
  })

  test('500 guests are one table; what does not fit is counted', () => {
    const rows = Array.from({ length: 500 }, (_, i) => [String(100 + i), `guest-${i}`, 'pve1', 'running'])
    const { blocks } = render(
      { title: 'Machines', state: 'info', table: { columns: ['VMID', 'Name', 'Node', 'State'], rows } },
      'c',
    )
    const table = blocks.find(({ type }) => type === 'table') as { rows: { text: string }[][] }
    expect(table.rows).toHaveLength(100)
    expect(table.rows.at(-1)![0]!.text).toBe('… +402')
    expect(blockProblems(blocks)).toEqual([])
  })

  test('a text is cut between the characters that people see, never within an escape', () => {
    expect(cut('👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 12)).toBe('👩‍👩‍👧‍👦…')
    expect(cutEscaped('a<b', 100)).toBe('a&lt;b')
    expect(cutEscaped('<<<', 10)).toBe('&lt;&lt;…')
    expect(cut('abc', 3)).toBe('abc')
  })

  test('what is simulated says so', () => {
    expect(textsIn(render({ title: 'x', state: 'ok' }, 'c', 'SIMULATED').blocks)).toContain('*SIMULATED*')
  })
})

/** Every text that Slack reads its marks in. */
function mrkdwnIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(mrkdwnIn)
  if (value === null || typeof value !== 'object') return []
  const { type, text, verbatim } = value as { type?: string; text?: unknown; verbatim?: boolean }
  if (type === 'mrkdwn') {
    expect(verbatim).toBe(true)
    return [text as string]
  }
  return Object.values(value).flatMap(mrkdwnIn)
}

describe('a form', () => {
  test('120 forms at their worst are modals that Slack opens', () => {
    for (let seed = 0; seed < 120; seed++) {
      const { upTo, one } = dice(seed)
      const text = () => one(pieces)
      const fields = Array.from({ length: upTo(60) }, (_, i): FormField => {
        const options = Array.from({ length: upTo(150) }, (_, n) => ({
          value: `${n}${text().slice(0, 200)}`,
          label: text(),
        }))
        return {
          name: `arg${i}`,
          label: text(),
          type: one(['text', 'secret', 'number', 'boolean', 'select']),
          required: upTo(1) === 1,
          ...(upTo(1) ? { options } : {}),
          ...(upTo(1) ? { value: one([text(), options[0]?.value ?? 'x', 'true']) } : {}),
        }
      })
      // A boolean is asked with its two words, whatever else a list holds.
      for (const field of fields) if (field.type === 'boolean') delete field.options
      const completes = fields.filter(() => upTo(3) === 0).map(({ name }) => name)
      const view = modal(
        { card: 'c-1', title: text(), text: text(), fields, completes, labels: { submit: text(), cancel: text() } },
        'slack:C1',
      )
      expect(viewProblems(view), `seed ${seed}`).toEqual([])
      expect(JSON.stringify(view)).not.toContain('secret')
    }
  })

  test('what is typed is always offered, also where the list is longer than Slack takes', () => {
    const list = Array.from({ length: 300 }, (_, i) => ({ value: `iso-${i}`, label: `iso-${i}` }))
    const offered = suggestions(list, 'iso')
    expect(offered).toHaveLength(100)
    expect(offered.at(-1)!.value).toBe('iso')
    expect(
      suggestions(list, 'iso-7')
        .map(({ value }) => value)
        .filter((value) => value === 'iso-7'),
    ).toHaveLength(1)
    expect(suggestions([], '')).toEqual([])
  })
})

describe('a mention', () => {
  const ask = (text: string) => asked(text, 'U0BOT')
  test('orders what stands after it, unless it stands in code or ends a sentence', () => {
    expect(ask('<@U0BOT> vm list')).toBe('vm list')
    expect(ask('  <@U0BOT>   vm show &lt;a&gt; <http://x.y|x.y>')).toBe('vm show <a> x.y')
    expect(ask('please <@U0BOT> status')).toBe('status')
    expect(ask('<@U0BOT>')).toBe('')
    expect(ask('thanks <@U0BOT>')).toBeUndefined()
    expect(ask('`<@U0BOT> vm delete web1`')).toBeUndefined()
    expect(ask('```\n<@U0BOT> vm delete web1\n```')).toBeUndefined()
    expect(ask('<@U0OTHER> vm list')).toBeUndefined()
  })
})

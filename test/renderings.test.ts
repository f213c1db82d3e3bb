import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { render as forDiscord, renderShort } from '../src/chat/discord/render.ts'
import { render as forSlack } from '../src/chat/slack/render.ts'
import { webCarrier } from '../src/chat/web/carrier.ts'
import type { Message } from '../src/core/message.ts'
import { cards, worst } from './renderings.ts'
import { messageProblems, pingsOf } from './stand-ins/discord/message-rules.ts'
import { specProblems } from './stand-ins/discord/spec.ts'
import { blockProblems } from './stand-ins/slack/index.ts'

const folder = join(import.meta.dirname, 'goldens')
/** `UPDATE_GOLDENS=1 npm test -- test/renderings.test.ts` writes what is drawn now; a person reads the difference. */
const isUpdating = process.env.UPDATE_GOLDENS === '1'
const key = 'c-1'

/** One message as each platform is given it. */
async function drawn(message: Message) {
  const written: unknown[] = []
  const web = webCarrier({ write: async (channel, entry) => void written.push({ channel, ...entry }) })
  await web.post({ key, target: 'web:ops', message, ...(message.thread ? { thread: message.thread } : {}) })
  return { slack: forSlack(message, key), discord: forDiscord(message, key), web: written[0] }
}

async function golden(name: string, now: string): Promise<string> {
  const file = join(folder, `${name}.json`)
  if (isUpdating) {
    await mkdir(folder, { recursive: true })
    await writeFile(file, now)
  }
  return readFile(file, 'utf8')
}

const problemsOf = ({ slack, discord }: Pick<Awaited<ReturnType<typeof drawn>>, 'slack' | 'discord'>) => {
  const { problems, unknown } = specProblems('create_message', discord)
  const rules = messageProblems(discord, { mayBeEphemeral: false, files: 0 })
  return [...blockProblems(slack.blocks), ...problems, ...unknown, ...rules, ...pingsOf(discord)]
}

describe('one neutral message, three platforms', () => {
  for (const [name, message] of Object.entries(cards)) {
    test(`${name} looks as it did`, async () => {
      const now = await drawn(message)
      expect(problemsOf(now)).toEqual([])
      const text = `${JSON.stringify(now, null, 2)}\n`
      expect(text).toBe(await golden(name, text))
    })
  }

  test('every state has a card of its own', () => {
    const marks = Object.values(cards).map(({ state }) => state)
    expect([...new Set(marks)].sort()).toEqual(
      ['failed', 'info', 'ok', 'queued', 'refused', 'running', 'stale', 'waiting', 'warning'].sort(),
    )
  })
})

describe('the worst of them stay within every limit', () => {
  for (const [name, message] of Object.entries(worst)) {
    test(name, async () => {
      expect(problemsOf(await drawn(message))).toEqual([])
      const marked = { slack: forSlack(message, key, 'SIMULADO'), discord: forDiscord(message, key, 'SIMULADO') }
      expect(problemsOf(marked)).toEqual([])
      expect(problemsOf({ ...marked, discord: renderShort(message, key, '42', 'SIMULADO') })).toEqual([])
      const text = JSON.stringify(marked)
      expect(text.includes('\u202e')).toBe(false)
      expect(text.match(/SIMULADO/g)).toHaveLength(2)
    })
  }
})

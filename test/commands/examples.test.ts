import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Example } from '../../src/core/command.ts'
import { catalogue, Stage } from './stage.ts'

let stage: Stage

/** The machines that the examples speak of, beside the template of the scenario. */
beforeAll(async () => {
  stage = await Stage.open()
  await stage.machine(100, 'web1', { running: true })
  await stage.machine(101, 'db1')
})

beforeEach(() => stage.forgetLanguages())
afterAll(() => stage.close())

const own = catalogue.entries.filter(({ path, file }) => path === file)

/** What came of an example, in the terms that examples are written in. */
async function outcome({ say }: Example, locale: string): Promise<Omit<Example, 'say'>> {
  const before = stage.enqueued.length
  const card = await stage.say(say, 'admin', locale)
  if (card.error) return { refuses: card.error.code }
  if (card.form) return { asks: true }
  if (card.state === 'waiting') {
    const confirmed = await stage.click(card.key, 'confirm', 'admin')
    if (confirmed.message.actions?.some(({ id }) => id === 'approve')) {
      await stage.click(card.key, 'approve', 'operator')
    }
  }
  const job = stage.enqueued[before]
  return job ? { plans: job.worker } : { answers: true }
}

describe.each(own)('$path', ({ command }) => {
  test('has examples', () => expect(command.examples.length).toBeGreaterThan(0))

  test.each(command.examples.map((example) => ({ example, line: example.say })))('$line', async ({ example }) => {
    const { say, ...promised } = example
    expect(await outcome(example, 'en')).toEqual(promised)
    expect(stage.reported).toEqual([])
    if (promised.asks) return
    stage.forgetLanguages()
    const card = await stage.say(say, 'admin', 'es')
    expect(JSON.stringify(card), 'a place that was not filled').not.toMatch(/\{[a-z]\w*\}/i)
  })

  const planned = command.examples.filter(({ plans }) => plans)
  if (planned.length > 0) {
    test.each(planned.map(({ say }) => say))('%s --explain: by hand in both ways, and nothing is done', async (say) => {
      const before = stage.enqueued.length
      const card = await stage.say(`${say} --explain`, 'admin')
      expect(card.state).toBe('info')
      const names = card.fields?.map(({ name }) => name)
      expect(names).toEqual(expect.arrayContaining(['By hand, in a shell', 'By hand, in the web interface']))
      expect(JSON.stringify(card), 'a place that was not filled').not.toMatch(/\{[a-z]\w*\}/i)
      expect(stage.enqueued.length).toBe(before)
    })
  }
})

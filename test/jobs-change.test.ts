import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineWorker } from '../src/core/worker.ts'
import { OutcomeUnknown } from '../src/proxmox/errors.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'

let ground: Ground

beforeAll(async () => {
  ground = await Ground.start()
})

afterAll(() => ground.close())

/** A setting of the cluster that a job switches on, and what the story puts around the call. */
class Setting {
  on = false
  sent = 0
  before: () => Promise<void> | void = () => {}
  after: () => Promise<void> | void = () => {}

  async switchOn(): Promise<void> {
    this.sent += 1
    await this.before()
    this.on = true
    await this.after()
  }
}

const steps = { change: 'Change' }

const switcher = (setting: Setting) =>
  defineWorker({
    payload: z.object({}),
    locks: () => ['setting'],
    text: { en: { title: 'Switch on', steps, done: '{how}' }, es: { title: 'Encender', steps, done: '{how}' } },
    async run({ change }) {
      const how = await change('change', {
        call: 'PUT /setting',
        isSo: async () => setting.on,
        act: () => setting.switchOn(),
        showsWithinMs: 300,
      })
      return { values: { how } }
    },
  })

function crewWith(setting: Setting) {
  return toyCrew(ground, { workers: { switch: switcher(setting) } })
}

const lostAnswer = () => new OutcomeUnknown({ method: 'PUT', path: '/setting' }, 'https://pve1', new Error('hang up'))

describe.concurrent('a change without a task', () => {
  test('is made once, and not at all where it is so already', async () => {
    const setting = new Setting()
    const { worker, order, ended, card } = crewWith(setting)
    worker()
    const first = await order({ worker: 'switch', payload: {} })
    await ended(first)
    const second = await order({ worker: 'switch', payload: {} })
    await ended(second)
    expect(setting.sent).toBe(1)
    expect([(await card(first))?.title, (await card(second))?.title]).toEqual(['made', 'there'])
  })

  test('that a process made before it died is found and not sent again', async () => {
    const setting = new Setting()
    const dying = gate()
    setting.after = () => dying.pass()
    const { worker, order, ended, locksRunOut } = crewWith(setting)
    const first = worker()
    const id = await order({ worker: 'switch', payload: {} })
    await dying.arrived
    await first.die()
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(setting.sent).toBe(1)
  })

  test('that never arrived because its process died is sent by the next', async () => {
    const setting = new Setting()
    const dying = gate()
    setting.before = () => dying.pass()
    const { worker, order, ended, locksRunOut } = crewWith(setting)
    const first = worker()
    const id = await order({ worker: 'switch', payload: {} })
    await dying.arrived
    await first.die()
    setting.before = () => {}
    await locksRunOut(id)
    worker()
    expect(await ended(id)).toMatchObject({ state: 'ok' })
    expect(setting.on).toBe(true)
  })

  test('whose answer was lost is looked for; nowhere to be seen, it is not sent again', async () => {
    const made = new Setting()
    made.after = () => {
      throw lostAnswer()
    }
    const lost = new Setting()
    lost.before = () => {
      throw lostAnswer()
    }
    const ends = await Promise.all(
      [made, lost].map(async (setting) => {
        const { worker, order, ended } = crewWith(setting)
        worker()
        return ended(await order({ worker: 'switch', payload: {} }))
      }),
    )
    expect(ends).toMatchObject([{ state: 'ok' }, { state: 'failed', error: { code: 'outcome-unknown' } }])
    expect([made.sent, lost.sent]).toEqual([1, 1])
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from './crew.ts'
import { beyondItsWord, DrillWorld, secondsOf } from './drill-world.ts'

let killed: DrillWorld
let silent: DrillWorld
beforeAll(async () => {
  ;[killed, silent] = await Promise.all([DrillWorld.start(), DrillWorld.start()])
})
afterAll(() => Promise.all([killed?.close(), silent?.close()]))

describe.concurrent('what dies in the middle of a drill', { timeout: 120_000 }, () => {
  test('the worker and the bot, kill -9 after the power loss: the next ones measure, restore and report', async () => {
    const { crew, more } = killed
    const [bot, worker] = await Promise.all([crew.botProcess('drills', more), crew.worker('drills', more)])
    killed.chat = bot
    crew.sim.cluster.clock.setSpeed(1)
    const moments = killed.truth()
    const card = await killed.ordered('drill run pve1 kind:power')
    const pve1 = killed.node('pve1')
    await until(() => pve1.power === 'off', 'the power loss')
    crew.sim.cluster.clock.setSpeed(50)
    await Promise.all([worker.kill9(), bot.kill9()])
    await crew.lapse('drills')
    const [next] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
    killed.chat = next
    const end = await killed.ended(card)
    expect(end.message, JSON.stringify(end.message)).toMatchObject({ state: 'ok' })
    expect(pve1.power).toBe('on')
    expect(killed.device.told).toEqual(['pve1 {"power":"off"}', 'pve1 {"power":"on"}'])
    const report = await killed.said('drill report', ({ title }) => /power loss: passed$/.test(title), 'viewer')
    const down = report.table!.rows[0]![3]!
    // Who takes over knows when the node was gone less well than who saw it go, and says so.
    expect(beyondItsWord(down, moments), down).toBe(0)
    expect(secondsOf(down)).toBeGreaterThan(100)
    expect(report.text).toContain('120 s until its lock is free')
  })

  test('Redis: the worker gives the node its power back by itself, and ends the drill once it can', async () => {
    const { crew, more } = silent
    const [bot] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
    silent.chat = bot
    crew.sim.cluster.clock.setSpeed(50)
    const card = await silent.ordered('drill run pve1 kind:power')
    const pve1 = silent.node('pve1')
    await until(() => pve1.power === 'off', 'the power loss')
    await crew.redis.kill9()
    await until(() => pve1.power === 'on', 'the dead-man switch', 30_000)
    await crew.redis.restart()
    const end = await silent.ended(card)
    expect(end.message, JSON.stringify(end.message)).toMatchObject({
      state: 'warning',
      title: expect.stringContaining('stopped'),
    })
    expect(JSON.stringify(end.message.fields)).toMatch(/control was lost|came back before/)
    expect(silent.device.told.filter((one) => one.includes('off'))).toHaveLength(1)
  })
})

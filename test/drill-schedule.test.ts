import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHouse, openJobDesk, openWriters } from '../src/app.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import type { Message } from '../src/core/message.ts'
import { openDrillSchedules, openDrills } from '../src/drills.ts'
import { localMembership } from '../src/membership.ts'
import { keepDrillTimes } from '../src/worker/drill-times.ts'
import { until } from './crew.ts'
import { DrillWorld } from './drill-world.ts'
import { Caller } from './lab-calls.ts'

let world: DrillWorld
beforeAll(async () => {
  world = await DrillWorld.start({ drills: { remind: 'weekly' }, oncall: { tz: 'America/Guayaquil' } })
  const { crew, more } = world
  ;[world.chat] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
})
afterAll(() => world?.close())

/** The house of this world, with a keeper whose clock a story sets; the worker does what it orders. */
async function calendar() {
  const env = await world.crew.environment('drills', world.more)
  const environment = {
    ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }),
    redis: parseRedisUrl(world.crew.redis.url),
  }
  const config = loadConfig({ role: 'worker', env })
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  const house = await openHouse({ config, environment, key, membership: localMembership(true), name: 'test' })
  const clock = { now: Date.now() }
  const now = () => clock.now
  const schedules = openDrillSchedules(house, now)
  const drills = openDrills(house, schedules, {})
  const desk = openJobDesk(house, openWriters(config))
  const keeper = await keepDrillTimes(house, { config, environment, schedules, drills, desk, now })
  const at = async (moment: number, id: string) => {
    clock.now = moment
    await keeper.look({ cluster: 'main', id })
  }
  const close = async () => {
    await keeper.close()
    await schedules.close()
    await desk.close()
    await house.close()
  }
  return { at, schedules, house, close }
}

test('on a schedule: approved once, announced, vetoed, left out for what was not approved, run, and ended', async () => {
  await world.steady()
  world.crew.sim.cluster.clock.setSpeed(50)
  const { at, schedules, house, close } = await calendar()
  try {
    // Every Monday morning what no drill has proven lately is told, once, however often that is asked for.
    const [reminder] = (await schedules.queue.getJobSchedulers()).filter(({ key }) => key === 'remind.main')
    expect(reminder).toMatchObject({ pattern: '0 9 * * 1', tz: 'America/Guayaquil' })
    for (let i = 0; i < 2; i++) await schedules.queue.add('remind', { cluster: 'main', id: '' })
    const overdue = ({ title }: Message) => title === '1 HA group was not proven within 90 days'
    const reminded = await world.chat.card(overdue, 'the reminder', 'ops')
    expect(reminded.message).toMatchObject({ state: 'warning', text: expect.stringContaining('drill plan ') })
    expect(reminded.message.table?.rows[0]?.[0]).toBe('grupoHA')
    await until(
      async () => (await schedules.queue.getActiveCount()) + (await schedules.queue.getWaitingCount()) === 0,
      'both',
    )
    const again = await world.chat.messages('ops')
    expect(again.filter(({ message }) => overdue(message))).toHaveLength(1)

    const card = await world.ordered('drill schedule pve1 every month first tuesday 10:00 notice:10m window:none')
    const kept = await world.ended(card)
    expect(kept.message, JSON.stringify(kept.message)).toMatchObject({ state: 'ok' })
    const [schedule] = await schedules.schedules('main')
    const { id } = schedule!
    expect(kept.message.title).toContain(id)
    const times = [await schedules.pending(schedule!)]
    while (times.length < 4) times.push(schedules.next(schedule!, times.at(-1)!))
    const [first, second, third, fourth] = times as [number, number, number, number]
    const notice = 10 * 60_000
    const announced = (when: number) =>
      world.chat.card(
        ({ actions }, one) => one.id.startsWith(`drill-${id}.${when}`) && actions?.[0]?.id === 'reject',
        'the notice',
        'ops',
      )
    const outcome = (when: number, title: RegExp) =>
      world.chat.card(
        (message, one) => one.id.startsWith(`drill-${id}.${when}`) && title.test(message.title),
        'what became of it',
        'ops',
      )

    await at(first - notice, id)
    const asks = await announced(first)
    expect(asks.message).toMatchObject({
      state: 'waiting',
      title: expect.stringMatching(/pve1 goes \(graceful shutdown\)$/),
    })
    await world.chat.click('viewer', asks.id, 'reject')
    await world.chat.card(({ error }) => error?.code === 'not-allowed', 'that viewers veto nothing', 'ops')
    await world.chat.click('operator', asks.id, 'reject')
    await outcome(first, /: vetoed by web:operator$/)
    await at(first, id)

    await at(second - notice, id)
    await announced(second)
    const { config, processes } = world.crew.sim.cluster.nodes[0]!
    const caller = new Caller(world.crew.sim)
    await caller.begin('POST', '/nodes/pve1/qemu', { vmid: 105, name: 'db', scsi0: 'local-lvm:1' })
    const isMade = () => config.guests.get(105)?.keys.scsi0 !== undefined && !config.guests.get(105)?.keys.lock
    await until(isMade, 'the new machine')
    await caller.begin('POST', '/nodes/pve1/qemu/105/status/start', {})
    await until(() => processes.has(105), 'the new machine to run')
    await at(second, id)
    const left = await outcome(second, /: left out$/)
    expect(left.message.text).toContain('db (vm:105)')
    processes.delete(105)
    config.guests.delete(105)

    await at(third - notice, id)
    await announced(third)
    await at(third, id)
    const runs = await outcome(third, /it runs as j-/)
    await at(third, id)
    // It is a drill like any other: it can be aborted, and says what cannot be taken back.
    const pve1 = world.crew.sim.cluster.nodes[0]!
    await until(() => pve1.power === 'stopping', 'the shutdown')
    await world.chat.say('operator', 'drill abort', 'ops')
    const said = await world.chat.card(({ title }) => /is being ended$/.test(title), 'the abort', 'ops')
    expect(said.message.text).toContain('cannot be taken back')
    const isEnd = ({ job, state }: Message) => job === runs.message.job && /^(ok|warning|failed)$/.test(state)
    const drill = await world.chat.card(isEnd, 'the drill', 'ops', 20_000)
    expect(drill.message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
    expect(pve1.power).toBe('on')
    expect((await house.audit.trail.verify()).faults).toEqual([])

    const sealed = (await house.patient.hget('drills:drill-schedules:main', id))!
    await world.chat.say('operator', `drill unschedule ${id}`, 'ops')
    await world.chat.card(({ title }) => /not scheduled any more/.test(title), 'the end', 'ops')
    await at(third + 1000, id)
    // Somebody puts it back into Redis.
    await house.patient.hset('drills:drill-schedules:main', id, sealed)
    await at(fourth - notice, id)
    await at(fourth, id)
    await outcome(fourth, /: vetoed by web:operator$/)
    expect(world.crew.sim.cluster.nodes[0]!.power).toBe('on')
  } finally {
    await close()
  }
})

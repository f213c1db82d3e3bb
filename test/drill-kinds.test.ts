import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from './crew.ts'
import { DrillWorld, downTruth, hasAction, secondsOf } from './drill-world.ts'

let world: DrillWorld
const speed = 50

beforeAll(async () => {
  world = await DrillWorld.start()
  const { crew, more } = world
  ;[world.chat] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
})
afterAll(() => world?.close())

test('a node that is shut down: foretold on pve2, seen there, home again, measured as the simulator knows it', async () => {
  world.crew.sim.cluster.clock.setSpeed(speed)
  const moments = world.truth()
  const card = await world.ordered('drill run pve1 kind:shutdown')
  const end = await world.ended(card)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({ state: 'ok' })
  const report = await world.said('drill report', ({ title }) => /^Drill j-.*passed$/.test(title), 'viewer')
  const [row] = report.table!.rows
  expect(row).toEqual(['Win11 (vm:100)', 'starts on pve2', 'pve2', expect.stringMatching(/± \d s$/), 'as foretold'])
  expect(Math.abs(secondsOf(row![3]!) - downTruth(moments))).toBeLessThanOrEqual(4)
  expect(moments.map(({ node }) => node)).toEqual(['pve1', undefined, 'pve2', 'pve1'])
  for (const kind of ['drill.started', 'drill.ended']) {
    await world.chat.card(({ event }) => event?.kind === kind, kind, 'ops')
  }
  const inThread = (await world.thread(card)).map(({ title }) => title)
  expect(inThread).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.md \(1\)$/), expect.stringMatching(/\.json \(1\)$/)]),
  )
})

test("the card's Cancel is an abort: the node is brought back, and what cannot be taken back is said", async () => {
  await world.steady()
  const card = await world.ordered('drill run pve1 kind:shutdown')
  const pve1 = world.node('pve1')
  await until(() => pve1.power === 'stopping', 'the shutdown')
  await world.chat.click('operator', card, 'cancel')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
  expect(JSON.stringify(message.fields)).toContain('aborted by web:operator')
  expect(JSON.stringify(message.fields)).toContain(
    'Could not be taken back: pve1 went down, and with it Win11 (vm:100)',
  )
  expect(pve1.power).toBe('on')
  const history = await world.said('drill history', ({ title }) => title === 'Drills: 2')
  expect(history.table!.rows.map(([, , node, kind, result]) => [node, kind, result])).toEqual([
    ['pve1', 'graceful shutdown', 'stopped'],
    ['pve1', 'graceful shutdown', 'passed'],
  ])
  const nothing = await world.said('drill abort', ({ state }) => state === 'refused')
  expect(nothing.error?.says).toBe('No drill runs in main.')
})

test('a node that never comes back: a person is asked and asked again; the drill ends with the truth and the way out', async () => {
  await world.steady()
  const { clock } = world.crew.sim.cluster
  world.device.isDeaf = true
  const card = await world.ordered('drill run pve1 kind:power', 'es')
  const isAsked = (says: RegExp) =>
    until(async () => (await world.thread(card)).some(({ title }) => says.test(title)), String(says))
  await isAsked(/^Por favor enciende pve1$/)
  await clock.advance(700)
  await isAsked(/^pve1 lleva 10 minutos apagado: por favor enciéndelo$/)
  await clock.advance(7200)
  const { message } = await world.ended(card)
  expect(message).toMatchObject({
    state: 'failed',
    error: { code: 'never-back', hint: expect.stringContaining('host wake pve1') },
  })
  const report = (await world.thread(card)).find((one) => one.table !== undefined)!
  expect(report.title).toMatch(/fallido$/)
  expect(JSON.stringify(report.fields)).toContain('pve1 no ha vuelto. Usa su botón de encendido')
  expect(report.table!.rows[0]![2]).toBe('pve2')
  expect(hasAction(message, 'log')).toBe(true)
  world.device.isDeaf = false
  await fetch(`${world.crew.sim.control}/api/lab/nodes/pve1`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"power":"on"}',
  })
})

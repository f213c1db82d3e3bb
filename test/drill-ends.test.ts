import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { until, type WorkerProcess } from './crew.ts'
import { DrillWorld, hasAction } from './drill-world.ts'

let world: DrillWorld
let worker: WorkerProcess
const timeout = 120_000

beforeAll(async () => {
  world = await DrillWorld.start()
  const { crew, more } = world
  ;[world.chat, worker] = await Promise.all([crew.bot('ends', more), crew.worker('ends', more)])
  await world.steady()
  crew.sim.cluster.clock.setSpeed(50)
})
afterAll(() => world?.close())

const inFields = ({ fields }: Message) => JSON.stringify(fields)
const isRefused = ({ state }: Message) => state === 'refused'

test('a machine under HA whose disk is on its own node alone: refused, in both languages, with what to do first', async () => {
  await world.lone(107, 'rooted')
  const { ha } = world.node('pve1').config
  ha.resources.set('vm:107', { sid: 'vm:107', type: 'vm', keys: { state: 'started' } })
  const inPlan = ({ title }: Message) => title.includes('pve1')
  const plan = await world.said('drill plan pve1', inPlan, 'viewer')
  expect(JSON.stringify(plan)).toContain('rooted (vm:107)')
  for (const [language, says] of [
    ['en', 'does not find its disks or CD-ROM. First: vm cdrom MACHINE eject, or shared storage (rooted (vm:107))'],
    ['es', 'Primero: vm cdrom MÁQUINA eject, o un almacenamiento compartido (rooted (vm:107))'],
  ] as const) {
    const { error } = await world.said('drill run pve1', isRefused, 'operator', language)
    expect(error?.says).toContain(says)
    expect(error?.hint).toContain('drill plan pve1 kind:shutdown')
  }
  ha.resources.delete('vm:107')
  world.forget(107)
})

test('the node that the bot itself lives on is not taken from it', async () => {
  const { crew, more } = world
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const { address } = own.find(({ family, internal }) => family === 'IPv4' && !internal) ?? own[0]!
  const pve1 = world.node('pve1')
  const { ip } = pve1
  crew.isLab = false
  try {
    const chat = await crew.bot('at-home', more)
    Object.assign(pve1, { ip: address })
    await chat.say('operator', 'drill run pve1', 'ops', 'es')
    const { message } = await chat.card(isRefused, 'the refusal', 'ops')
    expect(message.error?.says).toContain('El bot o su Redis viven en pve1')
    await chat.close()
  } finally {
    Object.assign(pve1, { ip })
    crew.isLab = true
  }
})

test('nobody waits for a node once somebody has said that it is seen to; the report says who', {
  timeout,
}, async () => {
  world.device.isDeaf = true
  const nothing = await world.said('drill done', isRefused)
  expect(nothing.error?.hint).toContain('drill history')
  const card = await world.ordered('drill run pve1 kind:power')
  const early = await world.said('drill done', ({ error }) => error !== undefined)
  expect(early.error).toMatchObject({ code: 'not-waiting', says: expect.stringContaining('drill abort') })
  await world.chat.card(
    ({ title }, { threadId }) => threadId === card && title === 'Please start pve1',
    'that a person is asked',
    'ops',
  )
  const said = await world.said('drill done', ({ title }) => /waits no longer$/.test(title))
  expect(said.text).toContain('on-call people hear of a node that is down')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'failed', error: { code: 'never-back' } })
  const report = (await world.thread(card)).find(({ table }) => table !== undefined)!
  expect(inFields(report)).toContain('web:operator has seen to pve1')
  expect(inFields(report)).toContain('host wake pve1')
  expect(report.table!.rows[0]!.slice(2, 3)).toEqual(['pve2'])
  world.device.isDeaf = false
  await world.said('host wake pve1', ({ title }) => /^pve1 is online/.test(title))
  await world.steady()
})

test('the right of who approved it is taken away meanwhile: it stops, gives the node back, and says so', {
  timeout,
}, async () => {
  const { crew, more } = world
  const pve1 = world.node('pve1')
  const card = await world.ordered('drill run pve1 kind:power')
  await until(() => pve1.power === 'off', 'the power loss')
  await worker.kill9()
  // The next worker has been told of who may do what now.
  await crew.worker('ends', { ...more, roles: [{ role: 'operator', who: ['web:operator'] }] })
  await crew.lapse('ends')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
  expect(inFields(message)).toContain('the rights that it was ordered with were taken away')
  expect(inFields(message)).toContain('Could not be taken back: pve1 went down, and with it Win11 (vm:100)')
  expect(pve1.power).toBe('on')
  expect(world.device.told.filter((one) => one.includes('off'))).toHaveLength(2)
})

test('an approval that is withdrawn, refused, or counts no more by the time it is to run: nothing is done, and the card says so', async () => {
  await world.steady()
  const { told } = world.device
  const before = told.length
  for (const [who, how, title] of [
    ['operator', 'cancel', /^Dropped: drill run pve1/],
    ['admin', 'reject', /^Rejected: drill run pve1/],
  ] as const) {
    const last = (await world.chat.messages('ops')).at(-1)!.seq
    await world.chat.say('operator', 'drill run pve1 kind:power', 'ops')
    const asked = await world.chat.card(
      ({ state }, { seq }) => seq > last && state === 'waiting',
      'what is to be confirmed',
      'ops',
    )
    await world.chat.click('operator', asked.id, 'confirm')
    const isOpen = (message: Message, { id }: { id: string }) => id === asked.id && hasAction(message, 'approve')
    await world.chat.card(isOpen, 'what is to be approved', 'ops')
    await world.chat.click(who, asked.id, how)
    const gone = await world.chat.card((message, { id }) => id === asked.id && title.test(message.title), how, 'ops')
    expect(gone.message.text).toContain('Nothing was done.')
  }
  // The worker knows by now that who approves this may not any more; the bot does not.
  const card = await world.ordered('drill run pve1 kind:power')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'failed', error: { code: 'not-allowed' } })
  expect(told.length).toBe(before)
  expect(world.node('pve1').power).toBe('on')
})

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { Crew, until } from './crew.ts'
import { Caller } from './lab-calls.ts'

let crew: Crew
let bot: Awaited<ReturnType<Crew['bot']>>
let worker: Awaited<ReturnType<Crew['worker']>>
let more: object

const speed = 50

/** The seed: vm 100 under grupoHA on pve1, its disk on shared storage. */
beforeAll(async () => {
  crew = await Crew.start({ seed: 7, speed: 0 })
  const { clock, nodes } = crew.sim.cluster
  const made = await new Caller(crew.sim).begin('POST', '/nodes/pve1/qemu', {
    vmid: 100,
    name: 'Win11',
    scsi0: 'Storage:8',
  })
  await clock.advance(22)
  expect(made.exitstatus).toBe('OK')
  const { ha } = nodes[0]!.config
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' }
  ha.rules.set('grupoHA', { rule: 'grupoHA', type: 'node-affinity', order: 1, keys })
  await clock.advance(60)
  const { sim, folder } = crew
  const power = Object.fromEntries(nodes.map(({ name }) => [name, { webhook: `${sim.control}/api/lab/nodes/${name}` }]))
  const tokens = { read: sim.readToken, act: sim.token }
  const cluster = { name: 'main', endpoints: sim.endpoints, tokens, tls: { ca: `${folder}/ca.pem` }, poll: '250ms' }
  more = { clusters: [cluster], power, channels: [{ cluster: 'main', post: ['web:ops'] }] }
  ;[bot, worker] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
})

afterAll(() => crew?.close())

/** When vm 100 runs, and where, as the simulator itself knows it; seconds. */
function truth() {
  const { clock, nodes } = crew.sim.cluster
  const moments: { at: number; node: string | undefined }[] = []
  const look = () => {
    const node = nodes.find(({ processes }) => processes.has(100))?.name
    if (moments.at(-1)?.node !== node || moments.length === 0) moments.push({ at: clock.now(), node })
    clock.after(0.5, look)
  }
  look()
  return moments
}

async function ordered(line: string): Promise<string> {
  const before = (await bot.messages('ops')).at(-1)?.seq ?? 0
  await bot.say('operator', line, 'ops')
  const isNew = (seq: number) => seq > before
  const asked = await bot.card(
    ({ state }, { seq }) => isNew(seq) && (state === 'waiting' || state === 'refused'),
    line,
    'ops',
  )
  expect(asked.message.error).toBeUndefined()
  await bot.click('operator', asked.id, 'confirm')
  await bot.card((message, { id }) => id === asked.id && hasAction(message, 'approve'), 'the question', 'ops')
  await bot.click('admin', asked.id, 'approve')
  return asked.id
}

const hasAction = (message: Message, action: string) => message.actions?.some(({ id }) => id === action) === true

const ended = (card: string, withinMs = 20_000) =>
  bot.card(
    ({ state, job }, { id }) => id === card && job !== undefined && /^(ok|warning|failed)$/.test(state),
    'the end',
    'ops',
    withinMs,
  )

/** From when the machine stopped until it ran elsewhere. */
function downTruth(moments: ReturnType<typeof truth>): number {
  const down = moments.findIndex(({ node }) => node === undefined)
  return moments[down + 1]!.at - moments[down]!.at
}

const secondsOf = (text: string) =>
  [...text.split('±')[0]!.matchAll(/(\d+) (min|s)/g)].reduce(
    (all, [, n, unit]) => all + Number(n) * (unit === 's' ? 1 : 60),
    0,
  )

test('a node that is shut down: foretold on pve2, seen there, home again, measured as the simulator knows it', async () => {
  crew.sim.cluster.clock.setSpeed(speed)
  const moments = truth()
  const card = await ordered('drill run pve1 kind:shutdown')
  const end = await ended(card)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({ state: 'ok' })
  await bot.say('viewer', 'drill report', 'ops')
  const report = await bot.card(
    ({ title, thread }) => /^Drill j-.*passed$/.test(title) && thread === undefined,
    'the report',
    'ops',
  )
  const [row] = report.message.table!.rows
  expect(row).toEqual(['Win11 (vm:100)', 'starts on pve2', 'pve2', expect.stringMatching(/± \d s$/), 'as foretold'])
  expect(Math.abs(secondsOf(row![3]!) - downTruth(moments))).toBeLessThanOrEqual(4)
  expect(moments.map(({ node }) => node)).toEqual(['pve1', undefined, 'pve2', 'pve1'])
  for (const kind of ['drill.started', 'drill.ended']) {
    await bot.card(({ event }) => event?.kind === kind, kind, 'ops')
  }
  const told = await bot.messages('ops')
  const inThread = told.filter(({ threadId }) => threadId === card).map(({ message }) => message.title)
  expect(inThread).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.md \(1\)$/), expect.stringMatching(/\.json \(1\)$/)]),
  )
})

/** All as it was, and the agent of pve1 at work: it waits two minutes for its lock after a boot. */
async function steady() {
  const { nodes } = crew.sim.cluster
  const { ha } = nodes[1]!.config
  await until(() => {
    const isHome = nodes[0]!.power === 'on' && nodes[0]!.processes.has(100)
    const service = ha.manager.service_status?.['vm:100']
    return isHome && ha.lrm.get('pve1')?.state === 'active' && service?.state === 'started' && service.running === 1
  }, 'the cluster as it was')
}

test('the same by power loss, its worker killed after it: another one brings the node back; about two minutes, and why', async () => {
  await steady()
  const moments = truth()
  const card = await ordered('drill run pve1 kind:power')
  const pve1 = crew.sim.cluster.nodes[0]!
  await until(() => pve1.power === 'off', 'the power loss')
  await worker.kill9()
  worker = await crew.worker('drills', more)
  const end = await ended(card)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({ state: 'ok' })
  expect(pve1.power).toBe('on')
  await bot.say('viewer', 'drill report', 'ops')
  const isReport = ({ title, thread }: Message) => /power loss: passed$/.test(title) && thread === undefined
  const { message } = await bot.card(isReport, 'the report', 'ops')
  const [row] = message.table!.rows
  const down = secondsOf(row![3]!)
  expect(Math.abs(down - downTruth(moments))).toBeLessThanOrEqual(10)
  expect(down).toBeGreaterThan(100)
  expect(message.text).toContain('120 s until its lock is free')
  await bot.say('viewer', 'drill history', 'ops')
  const history = await bot.card(({ title }) => title === 'Drills: 2', 'the history', 'ops')
  expect(history.message.table!.rows.map(([, , node, kind, result]) => [node, kind, result])).toEqual([
    ['pve1', 'power loss', 'passed'],
    ['pve1', 'graceful shutdown', 'passed'],
  ])
})

test('aborted: says what cannot be taken back, and brings the node back', async () => {
  await steady()
  const card = await ordered('drill run pve1 kind:shutdown')
  const pve1 = crew.sim.cluster.nodes[0]!
  await until(() => pve1.power === 'stopping', 'the shutdown')
  await bot.say('operator', 'drill abort', 'ops')
  const said = await bot.card(({ title }) => /is being ended$/.test(title), 'the abort', 'ops')
  expect(said.message.text).toContain('cannot be taken back')
  const end = await ended(card)
  expect(end.message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
  expect(pve1.power).toBe('on')
})

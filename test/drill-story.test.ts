import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { Crew } from './crew.ts'
import { Caller } from './lab-calls.ts'

let crew: Crew
let bot: Awaited<ReturnType<Crew['bot']>>
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
  ;[bot] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
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

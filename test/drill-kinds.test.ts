import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { until } from './crew.ts'
import { beyondItsWord, DrillWorld, downTruth, hasAction, secondsOf } from './drill-world.ts'
import { Caller } from './lab-calls.ts'

let world: DrillWorld
let pager: Server
/** What the pager was called for. */
const paged: { event_action: string; payload?: { summary: string } }[] = []

const timeout = 120_000

beforeAll(async () => {
  pager = createServer((request, response) => {
    let body = ''
    request.on('data', (part) => {
      body += part
    })
    request.on('end', () => {
      paged.push(JSON.parse(body))
      response.writeHead(202).end()
    })
  })
  await new Promise<void>((resolve) => pager.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(pager.address() as AddressInfo).port}`
  world = await DrillWorld.start({ oncall: { pager: { url, key: 'routing' } } })
  const { crew, more } = world
  ;[world.chat] = await Promise.all([crew.bot('drills', more), crew.worker('drills', more)])
})
afterAll(async () => {
  await world?.close()
  pager.close()
})
/** As it was. */
beforeEach(async () => {
  world.forget(106)
  await world.steady()
  world.crew.sim.cluster.clock.setSpeed(50)
})

const calls = () => new Caller(world.crew.sim)
const inFields = ({ fields }: Message) => JSON.stringify(fields)

test('a node that is shut down: foretold on pve2, seen there, home again, measured as the simulator knows it', {
  timeout,
}, async () => {
  await world.lone(106, 'db')
  const refused = await world.said('drill run pve1 kind:shutdown', ({ state }) => state === 'refused')
  expect(refused.error?.says).toContain('db (vm:106)')
  const moments = world.truth()
  const card = await world.ordered('drill run pve1 kind:shutdown accept:db')
  await until(() => world.node('pve1').power === 'stopping', 'the shutdown')
  const second = await world.said('drill run pve2 expect:nothing', ({ state }) => state === 'refused', 'operator', 'es')
  expect(second.error?.says).toContain('Otro trabajo está en marcha aquí')
  const { message } = await world.ended(card)
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'ok' })
  const report = await world.said('drill report', ({ title }) => /^Drill j-.*passed$/.test(title), 'viewer')
  const row = (name: string) => report.table!.rows.find(([machine]) => machine?.startsWith(name))!
  expect(row('Win11')).toEqual([
    'Win11 (vm:100)',
    'starts on pve2',
    'pve2',
    expect.stringMatching(/± \d+ s; its users: /),
    'as foretold',
  ])
  expect(beyondItsWord(row('Win11')[3]!.split(';')[0]!, moments), row('Win11')[3]).toBe(0)
  // A quarter of a second is twelve on this clock; and what runs inside takes three to come up.
  const users = secondsOf(row('Win11')[3]!.split(';')[1]!)
  expect(Math.abs(users - downTruth(moments))).toBeLessThanOrEqual(40)
  expect(moments.map(({ node }) => node)).toEqual(['pve1', undefined, 'pve2', 'pve1'])
  // What HA knows nothing of was started again; its probe never answered, which is said and not counted.
  expect(world.node('pve1').processes.has(106)).toBe(true)
  expect(row('db')[3]).toContain('its probe did not answer even before')
  for (const kind of ['drill.started', 'drill.ended']) {
    await world.chat.card(({ event }) => event?.kind === kind, kind, 'ops')
  }
  const inThread = (await world.thread(card)).map(({ title }) => title)
  expect(inThread).toEqual(
    expect.arrayContaining([expect.stringMatching(/\.md \(1\)$/), expect.stringMatching(/\.json \(1\)$/)]),
  )
})

test("the card's Cancel is an abort: the node is brought back, and what cannot be taken back is said", {
  timeout,
}, async () => {
  const card = await world.ordered('drill run pve1 kind:shutdown')
  const pve1 = world.node('pve1')
  await until(() => pve1.power === 'stopping', 'the shutdown')
  await world.chat.click('operator', card, 'cancel')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
  expect(inFields(message)).toContain('aborted by web:operator')
  expect(inFields(message)).toContain('Could not be taken back: pve1 went down, and with it Win11 (vm:100)')
  expect(pve1.power).toBe('on')
  const history = await world.said('drill history', ({ title }) => title === 'Drills: 2')
  expect(history.table!.rows.map(([, , node, kind, result]) => [node, kind, result])).toEqual([
    ['pve1', 'graceful shutdown', 'stopped'],
    ['pve1', 'graceful shutdown', 'passed'],
  ])
  const nothing = await world.said('drill abort', ({ state }) => state === 'refused')
  expect(nothing.error?.says).toBe('No drill runs in main.')
})

test('a reboot moves nothing under conditional: refused with the reason, unless that is what is to be shown', {
  timeout,
}, async () => {
  const refused = await world.said('drill run pve1 kind:reboot', ({ state }) => state === 'refused', 'operator', 'es')
  expect(refused.error?.says).toContain('Nada se mueve')
  const moments = world.truth()
  const card = await world.ordered('drill run pve1 kind:reboot expect:nothing')
  const { message } = await world.ended(card)
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'ok' })
  expect(moments.map(({ node }) => node)).toEqual(['pve1', undefined, 'pve1'])
  // It waited for its node: how long, the node itself has written down.
  const report = await world.said('drill report', ({ title }) => /reboot: passed$/.test(title), 'viewer')
  const down = report.table!.rows[0]![3]!.split(';')[0]!
  expect(beyondItsWord(down, moments), down).toBe(0)
})

test('under policy migrate nobody notices: moved live, and home again; the node is woken by a packet from another', {
  timeout,
}, async () => {
  const options = await calls().call('PUT', '/cluster/options', { ha: 'shutdown_policy=migrate' })
  expect(options.status).toBe(200)
  const moments = world.truth()
  const card = await world.ordered('drill run pve1 kind:migrate')
  const { message } = await world.ended(card)
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'ok' })
  expect(moments.some(({ node }) => node === undefined)).toBe(false)
  expect(moments.map(({ node }) => node)).toEqual(['pve1', 'pve2', 'pve1'])
  await calls().call('PUT', '/cluster/options', { delete: 'ha' })
  const woken = await world.ordered('drill run pve2 expect:nothing')
  const end = await world.ended(woken)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({ state: 'ok' })
  expect(world.node('pve2').power).toBe('on')
})

test('a network cut: the node resets itself, its machine starts elsewhere, nobody is paged', { timeout }, async () => {
  const card = await world.ordered('drill run pve1 kind:network')
  const pve1 = world.node('pve1')
  await until(() => pve1.network === 'cut', 'the cut')
  const { message } = await world.ended(card)
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'ok' })
  expect([pve1.network, pve1.power]).toEqual(['up', 'on'])
  const incident = await world.chat.card(({ event }) => event?.kind === 'node.lost', 'the incident', 'ops')
  expect(inFields(incident.message)).toMatch(/DRILL j-\w+: done on purpose .*it pages nobody/)
  expect(paged).toEqual([])
})

test('a storage cut: machines with a disk there stand still and stay started, HA moves nothing, and all goes on', {
  timeout,
}, async () => {
  await world.lone(106, 'db')
  const pve1 = world.node('pve1')
  const storage = () => world.crew.sim.cluster.shared.get('lvm:vg_array')!
  const runs = pve1.processes.get(100)!.pid
  const moments = world.truth()
  const card = await world.ordered('drill run pve1 kind:storage storage:storage')
  await until(() => storage().lostBy?.has('pve1') === true, 'the cut')
  const { clock } = world.crew.sim.cluster
  clock.setSpeed(1)
  const why = await world.said('why Win11', ({ state }) => state === 'failed', 'viewer')
  expect(why.text).toContain('scsi0 is on storage Storage, which pve1 does not reach now')
  clock.setSpeed(50)
  const { message } = await world.ended(card)
  expect(message, JSON.stringify(message)).toMatchObject({
    state: 'ok',
    title: expect.stringMatching(/^Drill j-\S+ on Storage @ pve1: passed, longest down \d+ s$/),
  })
  expect(storage().lostBy?.size).toBe(0)
  expect([pve1.processes.get(100)!.pid, moments.length]).toEqual([runs, 1])
  const report = await world.said('drill report', ({ title }) => /storage cut: passed$/.test(title), 'viewer')
  const [still, own] = [...report.table!.rows].sort()
  expect(still).toEqual([
    'Win11 (vm:100)',
    'stands still on pve1, and is called running all along',
    'pve1',
    expect.stringMatching(/^its users: /),
    'as foretold',
  ])
  // Held for a minute and a half; a look is a few seconds late on this clock, and so is a probe.
  expect(Math.abs(secondsOf(still![3]!.replace('its users: ', '')) - 100)).toBeLessThanOrEqual(60)
  // A probe that is silent even before says nothing, and a machine beside it is no worse for it.
  expect([own![0], own![4]]).toEqual(['db (vm:106)', 'not moved; whether it stood still is not known'])
  expect(report.text).toContain('it watches nodes and processes, not storages')
  expect(report.log?.join('\n')).toMatch(/Storage @ pve1 inactive(.|\n)*Storage @ pve1 active/)
})

test('a storage cut that is aborted is taken back at once, and says what cannot be', { timeout }, async () => {
  const card = await world.ordered('drill run pve1 kind:storage storage:Storage', 'es')
  const storage = world.crew.sim.cluster.shared.get('lvm:vg_array')!
  await until(() => storage.lostBy?.has('pve1') === true, 'the cut')
  await world.chat.click('operator', card, 'cancel')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'warning', title: expect.stringContaining('detenido') })
  expect(inFields(message)).toContain('abortado por web:operator')
  expect(inFields(message)).toMatch(/No se pudo deshacer: hasta \d+ s a la espera de Storage: Win11 \(vm:100\)/)
  expect(storage.lostBy?.size).toBe(0)
  expect(paged).toEqual([])
})

test('what no storage cut can be made of, or shows nothing, is refused with the reason and what to do instead', async () => {
  const refused = async (line: string, language?: string) =>
    (await world.said(line, ({ state }) => state === 'refused', 'operator', language)).error!
  const closed = (storage: string, node = 'pve1', language?: string) =>
    refused(`drill run ${node} kind:storage storage:${storage}`, language)
  expect((await closed('local-lvm')).says).toContain('a disk of the node itself')
  expect((await closed('NASAccess')).says).toContain('Nothing that runs on pve1 has a disk on it')
  expect((await closed('Storage', 'pve2', 'es')).says).toContain('Nada de lo que corre en pve2 tiene un disco en él')
  expect(await closed('Storge')).toMatchObject({ code: 'no-storage-near', says: expect.stringContaining('Storage') })
  const wrong = await refused('drill run pve1 kind:power storage:Storage')
  expect([wrong.code, wrong.hint]).toEqual(['storage-of-kind', 'drill plan pve1 kind:storage storage:Storage'])
  const box = world.crew.sim.cluster.shared.get('lvm:vg_array')!
  box.lostBy = new Set(['pve1'])
  expect((await closed('Storage')).says).toContain('pve1 does not reach this storage')
  delete box.lostBy
  const plan = await world.said('drill plan pve1 kind:storage storage:Storage', ({ table }) => table !== undefined)
  expect(plan).toMatchObject({ state: 'warning', title: 'Drill on Storage @ pve1 (storage cut)' })
  expect(plan.text).toContain('drill run pve1 kind:storage storage:Storage')
  const form = await world.said('drill run pve1 kind:storage', (message) => message.form !== undefined)
  expect(form.form!.fields.find(({ name }) => name === 'storage')).toMatchObject({ required: true })
})

test('another node is lost meanwhile: the drill stops and restores, and that node pages as usual', {
  timeout,
}, async () => {
  const [pve1, pve3] = [world.node('pve1'), world.node('pve3')]
  const card = await world.ordered('drill run pve1 kind:power')
  await until(() => pve1.power === 'off', 'the power loss')
  const off = (power: string) =>
    fetch(`${world.crew.sim.control}/api/lab/nodes/pve3`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ power }),
    })
  await off('off')
  await until(() => paged.some(({ payload }) => /pve3|quorum/i.test(payload?.summary ?? '')), 'the pager')
  const { message } = await world.ended(card)
  expect(message).toMatchObject({ state: 'warning', title: expect.stringContaining('stopped') })
  expect(inFields(message)).toMatch(/quorum was lost|another node was lost: pve3/)
  expect(pve1.power).toBe('on')
  const plan = await world.said('drill run pve1 kind:power', ({ state }) => state === 'refused', 'operator', 'es')
  expect(plan.error?.says).toContain('No hay cuórum ahora, o no lo habría sin pve1')
  await off('on')
  await until(() => pve3.power === 'on', 'pve3')
})

test('a node that never comes back: a person is asked and asked again; the drill ends with the truth and the way out', {
  timeout,
}, async () => {
  const { clock } = world.crew.sim.cluster
  world.device.isDeaf = true
  const card = await world.ordered('drill run pve1 kind:power', 'es')
  const isAsked = (says: RegExp) =>
    world.chat.card(({ title }, { threadId }) => threadId === card && says.test(title), String(says), 'ops')
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
  expect(inFields(report)).toContain('pve1 no ha vuelto. Usa su botón de encendido')
  expect(report.table!.rows[0]![2]).toBe('pve2')
  expect(hasAction(message, 'log')).toBe(true)
  world.device.isDeaf = false
})

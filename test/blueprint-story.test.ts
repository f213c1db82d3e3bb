/** examples/azuay.yaml from three lone hosts on: real Redis, real processes, the simulated site. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { labBlueprints, parseRedisUrl } from '../src/config.ts'
import { connect, type Redis } from '../src/jobs/redis.ts'
import { onRequests } from './bench/requests.ts'
import { type Chat, Crew, until, type WorkerProcess } from './crew.ts'

let crew: Crew
let chat: Chat & { close(): Promise<void> }
let worker: WorkerProcess
let site: object
let redis: Redis

beforeAll(async () => {
  crew = await Crew.start({ scenario: 'azuay', seed: 7, speed: 100 })
  const { sim, folder } = crew
  const root = { password: sim.root.password }
  const hosts = sim.cluster.nodes.map(({ name, certificate }, i) => {
    return { name, endpoint: sim.endpoints[i], tls: { fingerprints: [certificate.fingerprint] }, ...root }
  })
  const tokens = { read: sim.readToken, act: sim.token }
  const clusters = [{ name: 'main', endpoints: sim.endpoints, tokens, tls: { ca: `${folder}/ca.pem` }, root }]
  // Who gives a node its power back after a drill.
  const power = Object.fromEntries(hosts.map(({ name }) => [name, { webhook: `${sim.control}/api/lab/nodes/${name}` }]))
  site = { hosts, clusters, blueprints: labBlueprints, power }
  redis = connect(parseRedisUrl(crew.redis.url)!, 'patient', () => {})
  ;[chat, worker] = await Promise.all([crew.bot('azuay', site), crew.worker('azuay', site, ['--root'])])
})

afterAll(async () => {
  redis.disconnect()
  await crew.close()
})

const ended = (state: string) => ['ok', 'warning', 'failed'].includes(state)
const tasks = (type?: string) =>
  crew.sim.cluster.nodes.flatMap((node) => node.tasks).filter((task) => type === undefined || task.type === type)

/** The card of a line, once it asks, refuses or answers. */
async function answer(user: string, line: string, channel: string) {
  await chat.say(user, line, channel)
  return chat.card(({ state }) => state !== 'running', line, channel)
}

async function applied(line: string, channel: string, meanwhile = async (_job: string) => {}) {
  const { id, message } = await answer('admin', line, channel)
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'waiting' })
  await chat.click('admin', id, 'confirm')
  const { message: begun } = await chat.card(({ job }, listed) => listed.id === id && job !== undefined, line, channel)
  await meanwhile(begun.job!)
  return (await chat.card(({ state }, one) => one.id === id && ended(state), 'the end', channel, 60_000)).message
}

/** kill -9, and ten seconds in a moment: the dead one's locks run out, and the next takes over. */
async function killed(job: string) {
  await worker.kill9()
  await redis.del('azuay:jobs:stalled-check', `azuay:jobs:${job}:lock`, 'azuay:tasks:main:lease')
  await redis.sadd('azuay:jobs:stalled', job)
  worker = await crew.worker('azuay', site, ['--root'])
}

test('who may not make a cluster may not make one by a blueprint', async () => {
  const { message } = await answer('operator', 'blueprint apply azuay', 'operator')
  expect(message.error).toMatchObject({ code: 'not-allowed', says: expect.stringContaining('admin') })
})

test('cluster, storages and the ISO, the worker killed -9 five times on the way: each done once', async () => {
  const { cluster } = crew.sim
  const storages = () => cluster.nodes[0]!.config.storages
  const moments: [string, () => boolean][] = [
    ['the cluster to be made', () => tasks('clustercreate').length > 0],
    ['pve2 to join', () => tasks('clusterjoin').length > 0],
    ['pve3 to join', () => tasks('clusterjoin').length > 1],
    ['the array', () => storages().has('array')],
    ['the download', () => tasks('download').length > 0],
  ]
  const end = await applied('blueprint apply examples/azuay.yaml --until storage', 'storage', async (job) => {
    for (const [what, hasCome] of moments) {
      await until(hasCome, what).catch(async (error) => {
        throw new Error(`${error.message}: ${JSON.stringify((await chat.messages('storage')).at(-1))}`)
      })
      await killed(job)
    }
  })
  expect(end, JSON.stringify(end)).toMatchObject({ state: 'ok', title: 'Blueprint azuay: done, 7 steps' })
  const { config } = cluster.nodes[2]!
  expect(config.corosync?.nodes.map(({ name }) => name)).toEqual(['pve1', 'pve2', 'pve3'])
  expect([...config.storages.keys()]).toEqual(expect.arrayContaining(['NASAccess', 'array', 'Storage']))
  expect(
    tasks()
      .map(({ type }) => type)
      .sort(),
  ).toEqual(['clustercreate', 'clusterjoin', 'clusterjoin', 'download'])
}, 120_000)

test('applied again: nothing to do, and nothing sent', async () => {
  const sent: string[] = []
  const stop = onRequests(crew.sim.endpoints, ({ method, path }) => method !== 'GET' && sent.push(`${method} ${path}`))
  const { message } = await answer('admin', 'blueprint apply azuay until:storage', 'again')
  expect(message).toMatchObject({ state: 'ok', title: 'Blueprint azuay: nothing to do' })
  expect(message.table?.rows.map(([, state]) => state)).toEqual(Array.from({ length: 7 }, () => 'already so'))
  stop()
  expect(sent).toEqual([])
})

test('the machine for Windows 11 and its HA: by whoever may make machines', async () => {
  const { id } = await answer('operator', 'blueprint apply azuay', 'machine')
  await chat.click('operator', id, 'confirm')
  const end = await chat.card(({ state }, one) => one.id === id && ended(state), 'the end', 'machine', 60_000)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({
    state: 'ok',
    title: 'Blueprint azuay: done, 3 steps',
  })
  const { config, processes } = crew.sim.cluster.nodes[0]!
  expect(config.guests.get(100)?.keys).toMatchObject({
    name: 'Win11',
    ostype: 'win11',
    bios: 'ovmf',
    machine: expect.stringMatching(/q35/),
    memory: '12288',
    efidisk0: expect.stringMatching(/^Storage:.*pre-enrolled-keys=1/),
    tpmstate0: expect.stringMatching(/^Storage:.*version=v2\.0/),
    ide2: expect.stringMatching(/^NASAccess:iso\/Win11\.iso,media=cdrom/),
    ide0: expect.stringMatching(/^NASAccess:iso\/virtio-win\.iso,media=cdrom/),
    scsihw: 'virtio-scsi-single',
    agent: '1',
  })
  expect(processes.has(100)).toBe(true)
  expect(config.ha.rules.get('grupoHA')?.keys).toMatchObject({ resources: 'vm:100' })
  expect((await answer('viewer', 'blueprint plan azuay', 'plan')).message.title).toBe('Blueprint azuay: nothing to do')
  const { message } = await answer('viewer', 'blueprint export', 'export')
  expect(message.fields).toBeUndefined()
  expect(message.log?.join('\n')).toMatch(/id: 100\n +name: Win11\n +preset: windows-11/)
})

test('validated: pve1 goes, Win11 comes up on pve2 in time, and the verdict stands on one card', async () => {
  const { id, message } = await answer('operator', 'blueprint validate azuay', 'validate')
  expect(message, JSON.stringify(message)).toMatchObject({ state: 'waiting' })
  await chat.click('operator', id, 'confirm')
  await chat.card(({ actions }) => actions?.[0]?.id === 'approve', 'the question', 'validate')
  await chat.click('admin', id, 'approve')
  const end = await chat.card(({ state }, one) => one.id === id && ended(state), 'the end', 'validate', 60_000)
  expect(end.message, JSON.stringify(end.message)).toMatchObject({
    state: 'ok',
    title: 'Blueprint azuay: validation passed',
    fields: expect.arrayContaining([
      {
        name: '1. pve1 goes (graceful shutdown)',
        value: expect.stringMatching(/^passed\nWin11 ran again on pve2 after \d+ s \(wanted: pve2, within 180 s\)$/),
      },
    ]),
  })
  expect((await answer('operator', 'blueprint apply azuay', 'last')).message.title).toBe(
    'Blueprint azuay: nothing to do',
  )
}, 120_000)

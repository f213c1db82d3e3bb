/** Storages added by real jobs on a real Redis: what was typed, planned and confirmed, on the simulated cluster. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ProxmoxWriter } from '../src/proxmox/port.ts'
import { catalogue, type Enqueued, Stage } from './commands/stage.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { toyCrew } from './fixtures/toy-crew.ts'
import { until } from './until.ts'

const GIB = 1024 ** 3
const password = 'correct-horse-battery'
const free = 'array:0.0.1.scsi-36001405c0ffee000000000000000001'
const workers = Object.fromEntries(
  ['storage-add', 'storage-update', 'storage-remove'].flatMap((name) => {
    const worker = catalogue.worker(name)
    return worker ? [[name, worker]] : []
  }),
)

let ground: Ground
let stage: Stage

beforeAll(async () => {
  ;[ground, stage] = await Promise.all([Ground.start(), Stage.open()])
  stage.grants.push({ role: 'admin', who: ['ana'] })
  const { shared, nodes } = stage.sim.cluster
  const box = (total: number, login?: { username: string; password: string }) => ({
    ...{ total, baseUsed: 0, volumes: [] },
    ...(login ? { login } : {}),
  })
  shared.set('cifs:172.16.1.21:data', box(500 * GIB, { username: 'lab', password }))
  shared.set('pbs:172.16.1.22:main', box(900 * GIB, { username: 'quorum@pbs', password }))
  shared.set('ceph:pool1', box(3000 * GIB))
  shared.set('ceph:cephfs', box(3000 * GIB))
  for (const node of nodes) {
    node.pools = [
      { kind: 'zfspool', name: 'tank', total: 800 * GIB, datasets: ['tank/vm'] },
      { kind: 'lvmthin', name: 'pve/fast', total: 200 * GIB },
    ]
  }
})
afterAll(async () => {
  await stage.close()
  await ground.close()
})

/** Typed, confirmed, and approved by somebody else where that is asked. */
async function ordered(line: string, language = 'en'): Promise<Enqueued> {
  const before = stage.enqueued.length
  stage.forgetLanguages()
  const card = await stage.say(line, 'admin', language)
  const { message } = await stage.click(card.key, 'confirm', 'admin')
  if (message.actions?.some(({ id }) => id === 'approve')) await stage.click(card.key, 'approve', 'ana')
  const job = stage.enqueued[before]
  if (!job) throw new Error(`${line}: ${JSON.stringify(card)}`)
  return { ...job, card: `c-${job.id}` }
}

const crewOf = () => toyCrew(ground, { workers })
type Crew = ReturnType<typeof crewOf>
const section = (id: string) => stage.sim.cluster.nodes[0]!.config.storages.get(id)

/** Hands over what a job asks for, as the bot's machine does. */
async function handOver({ redis, prefix, secrets }: Crew, secret: string): Promise<void> {
  const [key] = await until(async () => {
    const keys = await redis.keys(`${prefix}:secret:*`)
    return keys.length > 0 ? keys : undefined
  }, 'a secret to be asked for')
  await secrets.put(key!.slice(key!.lastIndexOf(':') + 1), secret)
}

/** Orders it, waits for its end and returns its card. */
async function play(crew: Crew, line: string, { secret, language }: { secret?: string; language?: string } = {}) {
  crew.worker({ proxmox: () => stage.proxmox })
  const id = await crew.order((await ordered(line, language)) as never)
  if (secret !== undefined) await handOver(crew, secret)
  await crew.ended(id)
  return (await crew.card(id))!
}

/** What every job's corner of Redis holds, as a dump of it would show. */
async function dump({ redis, prefix }: Crew): Promise<string> {
  await redis.config('SET', 'rdbcompression', 'no')
  const keys = await redis.keys(`${prefix}:*`)
  return (await Promise.all(keys.map((key) => redis.dumpBuffer(key)))).map((one) => one?.toString('latin1')).join('\n')
}

describe('each type by its own parameters, and every node asked', () => {
  test.each<[line: string, options: object, shown: RegExp, secret?: string]>([
    ['storage add isos type:nfs server:172.16.1.20 export:/volume1/NASAccess', { server: '172.16.1.20' }, /^active, /],
    [
      'storage add array type:iscsi portal:172.16.1.30 target:iqn.2001-05.com.example:array.lun0',
      { portal: '172.16.1.30' },
      /^active$/,
    ],
    [`storage add data type:lvm vg:vg_data base:${free} wipe:true`, { base: free, vgname: 'vg_data' }, /4 TiB/],
    ['storage add thin type:lvmthin vg:pve thinpool:fast', { vgname: 'pve', thinpool: 'fast' }, /200 GiB/],
    ['storage add zpool type:zfspool pool:tank/vm', { pool: 'tank/vm' }, /800 GiB/],
    ['storage add folder type:dir path:/srv/isos', { path: '/srv/isos' }, /active/],
    [
      'storage add smb type:cifs server:172.16.1.21 share:data username:lab',
      { share: 'data', username: 'lab' },
      /500 GiB/,
      password,
    ],
    [
      'storage add pbs type:pbs server:172.16.1.22 datastore:main username:quorum@pbs',
      { datastore: 'main' },
      /900 GiB/,
      password,
    ],
    ['storage add ceph type:rbd pool:pool1', { pool: 'pool1' }, /3 TiB/],
    [
      'storage add cfs type:cephfs fsname:cephfs monhost:10.0.0.7 username:admin',
      { 'fs-name': 'cephfs', monhost: '10.0.0.7' },
      /3 TiB/,
      'AQD-the-key-of-ceph==',
    ],
  ])('%s', async (line, options, shown, secret) => {
    const crew = crewOf()
    const card = await play(crew, line, secret === undefined ? {} : { secret })
    const id = line.split(' ')[2]!
    expect(card).toMatchObject({ state: 'ok', title: `Storage ${id} is there: every node reaches it` })
    for (const node of ['pve1', 'pve2', 'pve3']) {
      expect(card.fields?.find(({ name }) => name === node)?.value).toMatch(shown)
    }
    expect(section(id)?.options).toMatchObject(options)
    if (secret !== undefined) {
      const all = (await dump(crew)) + JSON.stringify(stage.enqueued)
      expect(all).toContain(id)
      expect(all).not.toContain(secret)
    }
    expect(crew.faults).toEqual([])
    const again = await stage.say(line.replace(' wipe:true', ''), 'admin')
    expect(again).toMatchObject({ state: 'ok', title: expect.stringContaining('just like that') })
  })

  test('not quite the same is no “already”: what differs, and the line that changes it', async () => {
    const line = 'storage add isos type:nfs server:172.16.1.20 export:/volume1/NASAccess content:iso nodes:pve1'
    expect((await stage.say(line, 'admin')).error).toMatchObject({
      code: 'storage-differs',
      hint: 'storage update isos content:iso nodes:pve1',
    })
    const twice = 'storage add array2 type:iscsi portal:172.16.1.30 target:iqn.2001-05.com.example:array.lun0'
    expect((await stage.say(twice, 'admin')).error).toMatchObject({ code: 'target-taken' })
  })
})

describe('killed in the middle', () => {
  const lineOf = (id: string) => `storage add ${id} type:nfs server:172.16.1.20 export:/volume1/NASAccess`

  /** The port of a process that dies at its nth call, before or after it has had its effect. */
  function port(sent: string[], at?: { n: number; after: boolean }) {
    const dying = gate()
    let calls = 0
    const proxmox = new Proxy(stage.proxmox, {
      get(target, name: keyof ProxmoxWriter) {
        const own = target[name] as (...args: unknown[]) => Promise<unknown>
        if (typeof own !== 'function') return own
        return async (...args: unknown[]) => {
          const isIt = ++calls === at?.n
          if (isIt && !at?.after) await dying.pass()
          sent.push(name)
          const answer = await own.apply(target, args)
          if (isIt) await dying.pass()
          return answer
        }
      },
    })
    return { proxmox, arrived: dying.arrived }
  }

  const began = Date.now()
  /** What an earlier process may have sent is waited for no longer than it takes here. */
  const hasty = () => began + (Date.now() - began) * 20

  async function killedAt(order: Enqueued, at: { n: number; after: boolean }) {
    const crew = crewOf()
    const sent: string[] = []
    const { proxmox, arrived } = port(sent, at)
    const first = crew.worker({ proxmox: () => proxmox })
    const job = await crew.order(order as never)
    await arrived
    await first.die()
    await crew.locksRunOut(job)
    crew.worker({ proxmox: () => port(sent).proxmox, now: hasty })
    await crew.ended(job)
    const { state, title } = (await crew.card(job))!
    return { at: JSON.stringify(at), state, title, sent: sent.filter((name) => name === 'createStorage').length }
  }

  test('at every call that it makes: one storage, one card, sent once', async () => {
    const crew = crewOf()
    const calls: string[] = []
    crew.worker({ proxmox: () => port(calls).proxmox })
    const job = await crew.order((await ordered(lineOf('whole'))) as never)
    await crew.ended(job)
    const create = calls.indexOf('createStorage') + 1
    expect(create).toBeGreaterThan(1)
    const moments = [...calls.keys()].map((i) => ({ n: i + 1, after: false }))
    const all = [...moments, { n: create, after: true }]
    const orders: Enqueued[] = []
    for (const i of all.keys()) orders.push(await ordered(lineOf(`killed${i}`)))
    const ends = await Promise.all(all.map((at, i) => killedAt(orders[i]!, at)))
    expect(ends).toEqual(
      all.map((at, i) => ({
        at: JSON.stringify(at),
        state: 'ok',
        title: `Storage killed${i} is there: every node reaches it`,
        sent: 1,
      })),
    )
  })
})

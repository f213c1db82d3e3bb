/** Storages added by real jobs on a real Redis: what was typed, planned and confirmed, on the simulated cluster. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refused } from '../src/core/errors.ts'
import { errorOf } from '../src/core/refusal.ts'
import type { Worker } from '../src/core/worker.ts'
import type { ProxmoxWriter } from '../src/proxmox/port.ts'
import { catalogue, Stage, words } from './commands/stage.ts'
import { Ground, gate } from './fixtures/ground.ts'
import { type Order as Ordered, toyCrew } from './fixtures/toy-crew.ts'
import { until } from './until.ts'

type Order = Ordered & { id: string }

const GIB = 1024 ** 3
const password = 'correct-horse-battery'
const free = 'array:0.0.1.scsi-36001405c0ffee000000000000000001'
const workers = Object.fromEntries(
  ['storage-add', 'storage-update', 'storage-delete', 'storage-download'].flatMap((name) => {
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
async function ordered(line: string, language = 'en', who = 'admin'): Promise<Order> {
  const before = stage.enqueued.length
  stage.forgetLanguages()
  const card = await stage.say(line, who, language)
  const { message } = card.state === 'waiting' ? await stage.click(card.key, 'confirm', who) : { message: card }
  if (message.actions?.some(({ id }) => id === 'approve')) await stage.click(card.key, 'approve', 'ana')
  const job = stage.enqueued[before]
  if (!job) throw new Error(`${line}: ${JSON.stringify(card)}`)
  return { ...job, card: `c-${job.id}` } as Order
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
  const id = await crew.order(await ordered(line, language))
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
    crew.worker({ proxmox: () => stage.proxmox, polled: stage.proxmox })
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

  async function killedAt(order: Order, at: { n: number; after: boolean }) {
    const crew = crewOf()
    const sent: string[] = []
    const { proxmox, arrived } = port(sent, at)
    const first = crew.worker({ proxmox: () => proxmox })
    const job = await crew.order(order)
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
    const job = await crew.order(await ordered(lineOf('whole')))
    await crew.ended(job)
    const create = calls.indexOf('createStorage') + 1
    expect(create).toBeGreaterThan(1)
    const moments = [...calls.keys()].map((i) => ({ n: i + 1, after: false }))
    const all = [...moments, { n: create, after: true }]
    const orders: Order[] = []
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

describe('a clear end for what goes wrong, in the reader’s language', () => {
  let crew: Crew
  const nas = () => stage.sim.cluster.shared.get('nfs:172.16.1.20:/volume1/NASAccess')!
  const sum = '0'.repeat(64)
  const files = () => nas().volumes.map(({ name }) => name)

  beforeAll(() => {
    crew = crewOf()
    crew.worker({ proxmox: () => stage.proxmox, polled: stage.proxmox })
  })

  interface Case {
    line: string
    secret?: string
    spoil?: () => void
    mend?: () => void
    code: string
    en: RegExp
    es: RegExp
    hint: RegExp
  }
  const hangs: Case = {
    line: 'storage add bad type:nfs server:172.16.1.20 export:/volume1/NASAccess',
    spoil: () => {
      nas().unreachable = true
    },
    mend: () => {
      nas().unreachable = false
    },
    code: 'storage-not-online',
    en: /does not answer/,
    es: /no responde/,
    hint: /from the node|desde|nodo/,
  }
  const cases: [what: string, Case][] = [
    ['an NFS server that hangs', hangs],
    [
      'an export that is not there',
      {
        line: 'storage add bad type:nfs server:172.16.1.20 export:/volume9',
        code: 'no-export',
        en: /exports: \/volume1\/NASAccess/,
        es: /Exporta: \/volume1\/NASAccess/,
        hint: /^storage add bad type:nfs server:172.16.1.20 export:\/volume1/,
      },
    ],
    [
      'a thin pool that is not there',
      {
        line: 'storage add bad type:lvmthin vg:pve thinpool:dta',
        code: 'no-thin-pool',
        en: /pve on pve1 has no thin pool dta. It has: data, fast/,
        es: /pve en pve1 no tiene el thin pool dta. Tiene: data, fast/,
        hint: /^storage add bad type:lvmthin vg:pve thinpool:data/,
      },
    ],
    [
      'a ZFS pool that is not there',
      {
        line: 'storage add bad type:zfspool pool:tonk',
        code: 'no-pool',
        en: /sees: tank, tank\/vm/,
        es: /Ve: tank, tank\/vm/,
        hint: /pool:tank$/,
      },
    ],
    [
      'a share that is not there',
      {
        line: 'storage add bad type:cifs server:172.16.1.21 share:date username:lab',
        secret: password,
        code: 'no-share',
        en: /shares no date. It shares: data/,
        es: /no comparte date. Comparte: data/,
        hint: /share:data/,
      },
    ],
    [
      'a wrong password of a share',
      {
        line: 'storage add bad type:cifs server:172.16.1.21 share:data username:lab',
        secret: 'wrong-password',
        code: 'storage-login',
        en: /does not take this user and password/,
        es: /no acepta este usuario y esta contraseña/,
        hint: /again|otra vez/,
      },
    ],
    [
      'a datastore that is not there',
      {
        line: 'storage add bad type:pbs server:172.16.1.22 datastore:mian username:quorum@pbs',
        secret: password,
        code: 'no-datastore',
        en: /has no datastore mian/,
        es: /no tiene el datastore mian/,
        hint: /proxmox-backup-manager datastore list/,
      },
    ],
    [
      'a wrong password of a backup server',
      {
        line: 'storage add bad type:pbs server:172.16.1.22 datastore:main username:quorum@pbs',
        secret: 'wrong-password',
        code: 'storage-login',
        en: /does not take/,
        es: /no acepta/,
        hint: /again|otra vez/,
      },
    ],
    [
      'a content that its type does not take',
      {
        line: 'storage add bad type:cephfs fsname:cephfs content:images',
        code: 'content-not-taken',
        en: /does not take images/,
        es: /no guarda images/,
        hint: /storage list/,
      },
    ],
    [
      'a page that calls itself an image',
      {
        line: 'storage download https://example.com/page/c.iso',
        code: 'is-html',
        en: /a web page \(text\/html/,
        es: /una página web \(text\/html/,
        hint: /storage download URL/,
      },
    ],
    [
      'a checksum that does not fit',
      {
        line: `storage download https://example.com/c.iso checksum:${sum}`,
        code: 'checksum-mismatch',
        en: /threw it away/,
        es: /lo desechó/,
        hint: /checksum|suma/,
      },
    ],
    [
      'a storage that is full',
      {
        line: 'storage download https://example.com/c.iso storage:NASAccess',
        spoil: () => {
          nas().baseUsed += nas().total
        },
        mend: () => {
          nas().baseUsed -= nas().total
        },
        code: 'too-big',
        en: /NASAccess has 0 B left|has -?[\d.]+ \w+ left/,
        es: /a NASAccess le quedan/,
        hint: /storage list/,
      },
    ],
  ]
  test.each(cases)('%s', async (_, { line, secret, spoil, mend, code, en, es, hint }) => {
    const order = await ordered(line, 'es')
    spoil?.()
    const id = await crew.order(order)
    if (secret !== undefined) await handOver(crew, secret)
    await crew.ended(id)
    mend?.()
    const card = (await crew.card(id))!
    expect({ state: card.state, code: card.error?.code }).toEqual({ state: 'failed', code })
    expect(card.error?.says).toMatch(es)
    expect(card.error?.hint).toMatch(hint)
    // The same end as another reader has it.
    const { error } = await crew.runs.view(id)
    const own = (catalogue.worker(order.worker) as Worker).text.en.refusals
    const told = errorOf(words.en, own, new Refused(error!.code, error!.values), { job: id })
    expect(told.says).toMatch(en)
    expect(told.hint).toMatch(hint)
    expect(section('bad')).toBeUndefined()
    expect(files()).not.toContain('iso/c.iso')
  })

  test('one node that does not reach it: added, and that node is named in words and by Proxmox’s own line', async () => {
    nas().lostBy = new Set(['pve3'])
    const card = await play(crew, 'storage add partly type:nfs server:172.16.1.20 export:/volume1/NASAccess', {
      language: 'es',
    })
    delete nas().lostBy
    expect(card).toMatchObject({ state: 'warning', title: 'El almacenamiento partly está listo: llegan 2 de 3 nodos' })
    expect(JSON.stringify(card)).toMatch(/pve3 no llega a partly: .*Una máquina con su disco o su ISO ahí no puede/)
  })

  test('one that is full when it is added: said with the command that shows what is on it', async () => {
    nas().baseUsed += nas().total
    const card = await play(crew, 'storage add stuffed type:nfs server:172.16.1.20 export:/volume1/NASAccess')
    nas().baseUsed -= nas().total
    expect(card.state).toBe('warning')
    expect(JSON.stringify(card)).toMatch(/stuffed is full: 0 B of 8 TiB are free on pve1.*storage contents stuffed/)
  })
})

describe('changed and emptied', () => {
  let crew: Crew
  beforeAll(() => {
    crew = crewOf()
    crew.worker({ proxmox: () => stage.proxmox, polled: stage.proxmox })
  })
  const lines = async (line: string, who = 'admin') => (await stage.say(line, who)).error

  test('before and after are shown; done when storage.cfg says so and the nodes were asked', async () => {
    const asked = await stage.say('storage update partly content:iso nodes:pve1,pve2 --explain', 'admin')
    expect(asked.fields).toEqual(
      expect.arrayContaining([
        { name: 'content', value: 'backup, iso, vztmpl → iso' },
        { name: 'nodes', value: 'all → pve1, pve2' },
      ]),
    )
    const card = await play(crew, 'storage update partly content:iso nodes:pve1,pve2')
    expect(card).toMatchObject({ state: 'ok', title: 'Storage partly is changed: every node reaches it' })
    expect(section('partly')).toMatchObject({ content: ['iso'], nodes: ['pve1', 'pve2'] })
    const again = await stage.say('storage update partly content:iso', 'admin')
    expect(again).toMatchObject({ state: 'ok', title: 'Storage partly is like that already' })
    await play(crew, 'storage update partly nodes:all disabled:true')
    expect(section('partly')).toMatchObject({ disable: true })
    expect(section('partly')?.nodes).toBeUndefined()
  })

  test('somebody changes storage.cfg between the decision and the call: nothing is sent over it', async () => {
    const order = await ordered('storage update partly content:iso,backup')
    section('stuffed')!.content = ['iso']
    const id = await crew.order(order)
    await crew.ended(id)
    expect((await crew.card(id))?.error).toMatchObject({ code: 'changed-at-once' })
    expect(section('partly')?.content).toEqual(['iso'])
  })

  test('an old image goes; one in a drive, a disk of a machine and the base of a clone stay, each with its owner', async () => {
    await stage.machine(100, 'web', { config: { ide2: 'NASAccess:iso/Win11.iso,media=cdrom' } })
    expect(await lines('storage delete NASAccess:iso/Win11.iso')).toMatchObject({
      code: 'volume-used',
      says: expect.stringContaining('web (100) ide2'),
      hint: expect.stringContaining('vm cdrom 100 eject drive:ide2'),
    })
    const byAnotherName = await lines('storage delete isos:iso/Win11.iso')
    expect(byAnotherName).toMatchObject({ code: 'volume-used', says: expect.stringContaining('web (100) ide2') })
    expect(await lines('storage delete local-lvm:vm-100-disk-0')).toMatchObject({
      code: 'volume-of-guest',
      says: expect.stringContaining('web (100) on pve1 (scsi0)'),
    })
    const card = await play(crew, 'storage delete NASAccess:iso/ubuntu-24.04.iso')
    expect(card).toMatchObject({ state: 'ok', title: 'NASAccess:iso/ubuntu-24.04.iso is deleted' })
    expect(stage.sim.cluster.shared.get('nfs:172.16.1.20:/volume1/NASAccess')!.volumes).not.toContainEqual(
      expect.objectContaining({ name: 'iso/ubuntu-24.04.iso' }),
    )
    expect(await lines('storage delete NASAccess:iso/ubuntu-24.04.iso')).toMatchObject({ code: 'no-volume' })
  })

  test('a machine takes the image between the decision and the deletion: it stays', async () => {
    const order = await ordered('storage delete NASAccess:iso/virtio-win.iso')
    const { keys } = stage.sim.cluster.nodes[0]!.config.guests.get(100)!
    keys.ide0 = 'NASAccess:iso/virtio-win.iso,media=cdrom'
    const id = await crew.order(order)
    await crew.ended(id)
    delete keys.ide0
    expect((await crew.card(id))?.error).toMatchObject({ code: 'volume-used' })
  })

  test('an orphaned disk wants somebody else’s approval', async () => {
    const local = stage.sim.cluster.nodes[0]!.local.get('local-lvm')!
    local.volumes.push({ name: 'vm-777-disk-0', content: 'images', format: 'raw', size: GIB, vmid: 777, ctime: 0 })
    const card = await stage.say('storage delete local-lvm:vm-777-disk-0', 'admin')
    const { message } = await stage.click(card.key, 'confirm', 'admin')
    expect(message.actions?.map(({ id }) => id)).toContain('approve')
    const done = await play(crew, 'storage delete local-lvm:vm-777-disk-0')
    expect(done.state).toBe('ok')
    expect(local.volumes.map(({ name }) => name)).not.toContain('vm-777-disk-0')
  })
})

describe('what people should not count on, in words of a beginner', () => {
  const text = async (line: string, who = 'viewer', language = 'en') => {
    stage.forgetLanguages()
    return JSON.stringify(await stage.say(line, who, language))
  }

  test('disks that stay behind, nodes that do not reach them, disks that do not survive one', async () => {
    const { nodes, shared } = stage.sim.cluster
    for (const node of nodes) {
      node.pools!.find(({ name }) => name === 'tank')!.vdevs = [
        node.name === 'pve1'
          ? { name: 'mirror-0', state: 'ONLINE', disks: ['/dev/sdb', '/dev/sdc'] }
          : { name: '', state: 'ONLINE', disks: node.name === 'pve2' ? ['/dev/sdb'] : ['/dev/sdb', '/dev/sdc'] },
      ]
    }
    await stage.machine(101, 'db', { config: { scsi0: 'Storage:1' } })
    await stage.proxmox.createHaResource({ sid: 'vm:100', state: 'started' })
    await stage.proxmox.createHaResource({ sid: 'vm:101', state: 'started' })
    shared.get('lvm:vg_array')!.lostBy = new Set(['pve3'])

    const list = await text('storage list')
    expect(list).toContain(
      'local-lvm is not shared: each node has its own. If pve1 fails, high availability cannot start web (100) on another node',
    )
    expect(list).toContain('Storage is not reached now from pve3, where high availability may start db (101)')
    expect(list).toContain('The ZFS pool tank on pve2 has one disk. That is not redundant')
    expect(list).toContain('The ZFS pool tank on pve3 is striped over 2 disks (as RAID 0). That is not redundant')
    expect(list).not.toContain('tank on pve1')

    expect(await text('storage show zpool', 'viewer', 'es')).toContain(
      'El pool ZFS tank de pve2 tiene un solo disco. Eso no es redundante: si muere, se pierde todo',
    )
    const storage = await text('storage show Storage')
    expect(storage).toContain('Storage (lvm): 2 of 3 nodes reach it')
    expect(storage).toContain('db (101) scsi0')

    expect(await text('storage update Storage nodes:pve1,pve2 --explain', 'admin')).toContain(
      'Storage is not there on pve3, where high availability may start db (101)',
    )
    const more = await text('storage add more type:zfspool pool:tank --explain', 'admin')
    expect(more).toContain('The ZFS pool tank on pve2 has one disk')
    expect(more).not.toContain('not known to Proxmox')
    expect(await text('storage add more type:dir path:/srv/x --explain', 'admin')).toContain('RAID 0 is not redundant')

    await stage.machine(102, 'mail', { config: { scsi0: 'Storage:1', scsi1: 'zpool:1' } })
    const add = await text('ha add mail anyway:true --explain', 'operator')
    expect(add).toContain('Storage is not reached now from pve3, where high availability may start mail (102)')
    expect(add).toContain('The ZFS pool tank on pve2 has one disk')
    delete shared.get('lvm:vg_array')!.lostBy
  })
})

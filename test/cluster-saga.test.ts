/** From three lone hosts to a cluster and back by chat: real Redis, real processes, the simulated site. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseRedisUrl } from '../src/config.ts'
import { connect } from '../src/jobs/redis.ts'
import { isQuorate, type SimNode } from '../src/lab/model.ts'
import { cutPower } from '../src/lab/power.ts'
import { labRoles } from '../src/membership.ts'
import { type Chat, Crew, until, type WorkerProcess } from './crew.ts'

let crew: Crew
let chat: Chat & { close(): Promise<void> }
let worker: WorkerProcess
let lone: object
const logs: (readonly string[])[] = []
const sharePassword = 'share-password-of-the-nas'

const host = (name: string): SimNode => crew.sim.cluster.nodes.find((node) => node.name === name)!
const joins = (name: string) => host(name).tasks.filter(({ type }) => type === 'clusterjoin')

/** The site as quorum.yaml has it while all hosts are alone: each pinned by its own certificate. */
function site(ofHost: (name: string) => object) {
  const { sim } = crew
  const hosts = sim.cluster.nodes.map(({ name, certificate }, i) => ({
    name,
    endpoint: sim.endpoints[i],
    tls: { fingerprints: [certificate.fingerprint] },
    ...ofHost(name),
  }))
  const cluster = {
    name: 'main',
    endpoints: sim.endpoints,
    tokens: { read: sim.readToken, act: sim.token },
    tls: { ca: `${crew.folder}/ca.pem` },
  }
  return { hosts, clusters: [cluster], roles: [...labRoles, { role: 'admin', who: ['web:second'] }] }
}

async function startWorker(settings: object): Promise<void> {
  worker = await crew.worker('saga', settings, ['--root'])
  logs.push(worker.log)
}

beforeAll(async () => {
  crew = await Crew.start({ scenario: 'azuay', seed: 7, speed: 200 })
  const smb = { total: 2 ** 40, baseUsed: 0, volumes: [], login: { username: 'lab', password: sharePassword } }
  crew.sim.cluster.shared.set('cifs:172.16.1.21:data', smb)
  const { password } = crew.sim.root
  lone = site(() => ({ password }))
  chat = await crew.bot('saga', lone)
  // Of pve3 nobody wrote the password down.
  await startWorker(site((name) => (name === 'pve3' ? {} : { password })))
})

afterAll(() => crew?.close())

const ended = (state: string) => ['ok', 'warning', 'failed'].includes(state)

/** Types a line and confirms it; its card, or the refusal. */
async function order(line: string, channel: string, user = 'admin', language?: string) {
  await chat.say(user, line, channel, language)
  const answers = (state: string) => state === 'waiting' || state === 'refused' || ended(state)
  const asked = await chat.card(({ state }) => answers(state), `${line}: a plan`, channel)
  if (asked.message.state === 'waiting') await chat.click(user, asked.id, 'confirm')
  return asked
}

const endOf = async (id: string, channel: string, withinMs = 20_000) =>
  (await chat.card(({ state }, listed) => listed.id === id && ended(state), `the end of ${id}`, channel, withinMs))
    .message

test('three lone hosts are looked at before anything is touched', async () => {
  const { table, text } = (await order('host check', 'check')).message
  const [, verdict, found] = table?.rows.find(([what]) => what === 'Address') ?? []
  expect(verdict).toBe('pass')
  for (const address of ['172.16.1.103/24', '172.16.1.104/24']) expect(found).toContain(address)
  // Nobody wrote its password down, so it cannot be asked; that is said.
  expect(text).toContain('pve3')
})

test('the first host makes a cluster; without it nobody can join', async () => {
  const early = await order('cluster join pve2', 'early')
  expect(early.message.error).toMatchObject({ code: 'no-own-cluster', hint: 'cluster create NAME first:pve1' })
  const other = await order('cluster create pvecluster first:pve2', 'other')
  expect(other.message.error).toMatchObject({ code: 'other-first', hint: 'cluster create pvecluster first:pve1' })
  const foreign = await order('cluster create pvecluster link0:10.9.9.9', 'foreign')
  expect(foreign.message.error?.code).toBe('join-link')
  const { id } = await order('cluster create pvecluster first:pve1', 'story')
  expect(await endOf(id, 'story')).toMatchObject({
    state: 'warning',
    title: 'Cluster pvecluster is there: pve1 votes and has quorum',
  })
  expect(host('pve1').config.corosync?.nodes).toHaveLength(1)
})

test('what speaks against a join is told in the reader’s language, and the host is left alone', async () => {
  const { config } = host('pve2')
  const root = host('pve1').config.access.users.get('root@pam')!
  const guest = {
    vmid: 105,
    type: 'qemu',
    node: 'pve2',
    keys: {},
    template: false,
    pending: {},
    snapshots: [],
  } as const
  const stranger = { userid: 'luis@pve', enable: true, expire: 0, groups: [], tokens: new Map() }
  const hosts = host('pve2').hosts
  const cases: { code: string; says: RegExp; hint: string; line?: string; spoil?: () => void; mend?: () => void }[] = [
    {
      code: 'join-guests',
      says: /^pve2 tiene máquinas o contenedores \(1\)/,
      hint: 'qm destroy VMID',
      spoil: () => config.guests.set(105, { ...guest, pending: {}, snapshots: [] }),
      mend: () => config.guests.clear(),
    },
    {
      code: 'join-would-lose',
      says: /perdería lo que el clúster no tiene: luis@pve\./,
      hint: 'cluster join pve2 lose:yes',
      spoil: () => config.access.users.set('luis@pve', stranger),
      mend: () => config.access.users.delete('luis@pve'),
    },
    {
      code: 'root-second-factor',
      says: /^root@pam de pvecluster tiene un segundo factor/,
      hint: 'pvecm add pve1 --use_ssh   # en pve2',
      spoil: () => {
        root.tfa = true
      },
      mend: () => {
        delete root.tfa
      },
    },
    {
      code: 'join-hosts-file',
      says: /lleva su propio nombre a 127\.0\.1\.1/,
      hint: 'nano /etc/hosts',
      spoil: () => {
        host('pve2').hosts = '127.0.1.1 pve2.lab.test pve2\n'
      },
      mend: () => {
        host('pve2').hosts = hosts
      },
    },
    {
      code: 'join-link',
      says: /la dirección 172\.16\.1\.77 no está en ninguna tarjeta de pve2/,
      hint: 'ip -br address   # en pve2; tiene: 172.16.1.104',
      line: 'cluster join pve2 link0:172.16.1.77',
    },
  ]
  for (const { code, says, hint, line = 'cluster join pve2', spoil, mend } of cases) {
    spoil?.()
    const { id } = await order(line, code, 'admin', 'es')
    const { state, error } = await endOf(id, code)
    mend?.()
    expect({ state, code: error?.code }).toEqual({ state: 'failed', code })
    expect(error?.says).toMatch(says)
    expect(error?.hint).toContain(hint)
  }
  expect(joins('pve2')).toEqual([])
})

/** Under which a channel's job asks for a secret. */
async function handleIn(channel: string): Promise<string> {
  const asks = await chat.card(({ text }) => /quorum secret set/.test(text ?? ''), 'the question', channel)
  const [, handle = ''] = /quorum secret set (\S+?)`/.exec(asks.message.text ?? '') ?? []
  return handle
}

/** Types a secret on the bot's machine. */
async function handOver(handle: string, secret: string): Promise<void> {
  const child = spawn(process.execPath, ['dist/src/cli.js', 'secret', 'set', handle], {
    env: await crew.environment('saga', lone),
    stdio: ['pipe', 'ignore', 'pipe'],
  })
  child.stdin.end(`${secret}\n`)
  const [code] = await once(child, 'exit')
  expect(code).toBe(0)
}

test('a password that nobody wrote down is asked for beside the chat; a wrong one changes nothing', async () => {
  const { id } = await order('cluster join pve3', 'asks')
  await handOver(await handleIn('asks'), 'not-the-password')
  const { error } = await endOf(id, 'asks')
  expect(error).toMatchObject({
    code: 'root-password',
    says: "root's password of pve3 is not right. Nothing was changed.",
  })
  expect(joins('pve3')).toEqual([])
})

test('two people join two hosts at once, bot and worker die in the middle: one after the other, each once', async () => {
  await worker.stop()
  await startWorker(lone)
  const { clock } = crew.sim.cluster
  // Slow enough to be in the middle of it.
  clock.setSpeed(20)
  const dying = worker
  const standby = startWorker(lone)
  const [one, two] = await Promise.all([
    order('cluster join pve2', 'ana'),
    order('cluster join pve3', 'luis', 'second'),
  ])
  await until(() => joins('pve2').length + joins('pve3').length > 0, 'a join to begin')
  await Promise.all([dying.kill9(), chat.close()])
  clock.setSpeed(200)
  chat = await crew.bot('saga', lone)
  await standby
  const ends = await Promise.all([endOf(one.id, 'ana', 40_000), endOf(two.id, 'luis', 40_000)])
  expect(ends.map(({ title }) => title)).toEqual(
    ['pve2', 'pve3'].map((name) => expect.stringContaining(`${name} is a member of pvecluster: pve1 sees it vote`)),
  )
  const [first, second] = [...joins('pve2'), ...joins('pve3')].sort((a, b) => a.starttime - b.starttime)
  expect([joins('pve2').length, joins('pve3').length]).toEqual([1, 1])
  expect(second!.starttime).toBeGreaterThanOrEqual(first!.endtime!)
  expect(isQuorate(crew.sim.cluster, host('pve1'))).toBe(true)
  for (const [i, name] of ['pve2', 'pve3'].entries()) {
    const { fingerprint } = host(name).certificate
    expect(ends[i]!.fields).toContainEqual({ name: `Fingerprint of ${name}`, value: fingerprint })
  }
  const again = await order('cluster join pve2', 'again')
  expect(again.message).toMatchObject({ state: 'ok', title: 'pve2 is a member of pvecluster already' })
})

test('the storages of the thesis by hand: NAS, array, LVM on its LUN, an image; every node reaches each', async () => {
  const nodes = ['pve1', 'pve2', 'pve3']
  const target = 'iqn.2001-05.com.example:array.lun0'
  const added = async (line: string, channel: string) => {
    const { id } = await order(line, channel)
    const { state, title, fields } = await endOf(id, channel)
    expect({ line, state, title }).toMatchObject({
      state: 'ok',
      title: expect.stringContaining('every node reaches it'),
    })
    expect(fields?.map(({ name }) => name)).toEqual(expect.arrayContaining(nodes))
  }
  await added('storage add NASAccess type:nfs server:172.16.1.20 export:/volume1/NASAccess', 'nas')
  await added(`storage add array type:iscsi portal:172.16.1.30 target:${target}`, 'array')
  const [ours, foreign] = [0, 1].map((n) => `array:0.0.${n}.scsi-36001405c0ffee00000000000000000${n}`)
  const holds = () => crew.sim.cluster.shared.get(`iscsi:172.16.1.30:${target}`)!.volumes.map((lun) => lun.holds)
  const before = JSON.stringify(holds())
  const another = await order(`storage add Storage type:lvm vg:vg_storage base:${ours} wipe:true`, 'another')
  expect(another.message.error).toMatchObject({ code: 'lun-of-another', says: expect.stringContaining('vg_array') })
  const unproved = await order(`storage add Storage type:lvm vg:vg_storage base:${foreign}`, 'unproved')
  expect(unproved.message.error).toMatchObject({ code: 'lun-not-proved', says: expect.stringContaining('(4 TiB)') })
  await added(`storage add Storage type:lvm vg:vg_array base:${ours}`, 'lvm')
  expect(JSON.stringify(holds())).toBe(before)

  const sum = '0123456789abcdef'.repeat(4)
  const { id } = await order(`storage download https://example.com/debian-13.iso checksum:${sum}`, 'iso')
  expect(await endOf(id, 'iso')).toMatchObject({
    state: 'ok',
    title: expect.stringMatching(/^NASAccess:iso\/debian-13/),
  })

  const share = await order('storage add smb type:cifs server:172.16.1.21 share:data username:lab', 'smb')
  await handOver(await handleIn('smb'), sharePassword)
  expect(await endOf(share.id, 'smb')).toMatchObject({ state: 'ok' })
  const { config } = host('pve1')
  expect([...config.storages.keys()].sort()).toEqual(['NASAccess', 'Storage', 'array', 'local', 'local-lvm', 'smb'])
})

test('a node is taken out when two members see it dead, and only with somebody else’s approval', async () => {
  const alive = await order('cluster remove pve3 unplugged:yes', 'alive')
  expect(alive.message.error).toMatchObject({ code: 'leave-online' })
  cutPower(crew.sim.cluster, host('pve3'))
  await until(() => !host('pve3').member, 'pve3 to be missed')
  const asked = await order('cluster remove pve3 unplugged:yes', 'gone')
  expect(asked.message.fields).toContainEqual({ name: 'Seen offline by', value: 'pve1, pve2' })
  await chat.card(({ actions }) => actions?.some(({ id }) => id === 'approve') === true, 'the approval', 'gone')
  await chat.click('second', asked.id, 'approve')
  const { title } = await endOf(asked.id, 'gone')
  expect(title).toBe('pve3 is no longer part of pvecluster: do not start it on this network until it is reinstalled')
  expect(host('pve1').config.corosync?.nodes.map(({ name }) => name)).toEqual(['pve1', 'pve2'])
})

test('no password and no token of all that stands in Redis, in a log or in the chat', async () => {
  const redis = connect(parseRedisUrl(crew.redis.url)!, 'patient', () => {})
  await redis.config('SET', 'rdbcompression', 'no')
  const keys = await redis.keys('*')
  const dumps = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  redis.disconnect()
  const said = await Promise.all(
    ['check', 'story', 'asks', 'ana', 'luis', 'nas', 'array', 'lvm', 'iso', 'smb', 'gone', 'join-guests'].map(
      (channel) => chat.messages(channel),
    ),
  )
  const all = [...dumps.map((bytes) => bytes?.toString('latin1') ?? ''), JSON.stringify(said), ...logs.flat()].join(
    '\n',
  )
  expect(all).toContain('pvecluster')
  expect(all).toContain('vg_array')
  const { root, token, readToken } = crew.sim
  for (const secret of [root.password, token.secret, readToken.secret, sharePassword, 'not-the-password']) {
    expect(all).not.toContain(secret)
  }
})

/** Every recorded call that the simulator has an endpoint for, in the recorded situation, answer against answer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRoutes } from '../src/lab/api.ts'
import { makeTicket } from '../src/lab/login.ts'
import type { SimNode } from '../src/lab/model.ts'
import { cutNetwork, healNetwork } from '../src/lab/power.ts'
import { loadSchema } from '../src/lab/schema/load.ts'
import { findEndpoint } from '../src/lab/schema/verify.ts'
import type { RunningSim } from '../src/lab/sim.ts'
import {
  addGuest,
  addOps,
  addSharedStorage,
  applyHaStatus,
  applyResources,
  applyTasks,
  type Members,
  recordedTasks,
  SECRET,
  startRecordedSim,
} from './recorded-site.ts'
import { apiPath, loadRecordings, type Override, Player, type Recording, type Rules } from './replay.ts'

const recordings = loadRecordings()
const schema = loadSchema('9.2')
const routes = allRoutes()

/** `METHOD template`, or undefined for what no Proxmox has. */
function endpointOf(recording: Recording): string | undefined {
  const found = findEndpoint(schema, recording.method, apiPath(recording))
  return found.facts && `${recording.method} ${found.template}`
}

/** Families whose recordings have tests of their own: guests and storages. */
const ELSEWHERE = /^\/(storage|nodes\/[^/]+\/(qemu|lxc|storage|vzdump|aplinfo))(\/|$)/

/** Not Proxmox's answers but what the recording machines lacked. */
const ARTEFACTS: Record<string, string> = {
  'standalone.nodes.pve1.subscription': 'a broken server id in the container',
  'standalone.nodes.pve1.capabilities.qemu.machines': 'a missing file in the container',
}

/** Refused before anybody looks for the endpoint, so these are played even where it is missing. */
const isEarly = ({ status, name }: Recording) => status === 401 || name === 'err.wire-post-600k'

const played = new Set<Recording>()
const isOurs = (recording: Recording) => {
  if (recording.name in ARTEFACTS) return false
  if (isEarly(recording)) return true
  const endpoint = endpointOf(recording)
  if (endpoint === undefined || routes.has(endpoint)) return !ELSEWHERE.test(apiPath(recording))
  return false
}

const range = (from: number, to: number, but: (recording: Recording) => boolean = () => true) =>
  recordings.filter((one) => Number(one.seq) >= from && Number(one.seq) <= to && isOurs(one) && but(one))

const isTaskCall = (recording: Recording) => /\/tasks(\/|$)/.test(apiPath(recording))
const isHaRead = (recording: Recording) => apiPath(recording).startsWith('/cluster/ha/') && recording.method === 'GET'
const isResources = (recording: Recording) => apiPath(recording) === '/cluster/resources'

const rest = (from: number, to: number) =>
  range(from, to, (one) => !isTaskCall(one) && !isHaRead(one) && !isResources(one))

const FORM = 'application/x-www-form-urlencoded'
const TOKEN = 'root@pam!bot=00000000-1111-2222-3333-444444444444'

/** What the recordings do not tell of the requests. */
const OVERRIDES: Record<string, Override> = {
  'err.token-bad-secret': {
    headers: { authorization: 'PVEAPIToken=root@pam!bot=00000000-0000-0000-0000-000000000000' },
  },
  'err.ticket-bad-csrf': { headers: { csrfpreventiontoken: '6B035540:WRONG' } },
  'err.ticket-bad': { headers: { cookie: 'PVEAuthCookie=PVE:root@pam:6B035540::WRONG' } },
  'err.ticket-no-csrf': {},
  'auth.ticket-age-expired': { ticketOffset: -3 * 3600 },
  'auth.ticket-age-future': { ticketOffset: 3600 },
  'auth.ticket-age-2min-future': { ticketOffset: 120 },
  'auth.ticket-age-10min-future': { ticketOffset: 600 },
  'wire.content-type-text-plain': { body: 'poolid=wire1', headers: { 'content-type': 'text/plain' } },
  'wire.json-charset': { body: '{"poolid":"wire2"}' },
  'err.wire-json-array': { body: '["poolid"]' },
  'err.wire-form-duplicate': { body: 'poolid=a&poolid=b' },
  'wire.delete-with-form-body': { body: 'poolid=wire3', headers: { 'content-type': FORM, 'content-length': '12' } },
  'err.wire-post-600k': { body: `description=${'x'.repeat(600_000)}` },
  'err.wire-chunked-request': { body: 'poolid=c', headers: { 'transfer-encoding': 'chunked' } },
  'err.wire-bearer': { headers: { authorization: `Bearer ${TOKEN}` } },
  'err.wire-token-sep': { headers: { authorization: `PVEAPIToken=${TOKEN.replace('=', ' ')}` } },
  'wire.token-lowercase-scheme': { headers: { authorization: `pveapitoken=${TOKEN}` } },
  'err.wire-token-space-scheme': { headers: { authorization: `PVEAPIToken ${TOKEN}` } },
  'err.wire-csrf-in-body': { body: 'poolid=x&CSRFPreventionToken=6B035540:CSRFSIGNATURE' },
}

/** Where our machines may differ from the recorded ones. */
const RULES: Record<string, Rules> = {
  'standalone.cluster.log': { openLists: true },
  'cluster3.cluster.log': { openLists: true },
  'cluster.log-max': { openLists: true },
  'failover.cluster-log': { openLists: true },
  // Services that the containers of the recordings had not, and packages of another day.
  'standalone.nodes.pve1.services': { volatile: ['state', 'active-state', 'unit-state', 'desc'] },
  'standalone.nodes.pve1.apt.versions': {
    openLists: true,
    optional: ['OldVersion'],
    volatile: ['Description', 'Title', 'CurrentState'],
  },
  'standalone.nodes.pve1.certificates.info': {
    volatile: ['san', 'subject', 'issuer', 'public-key-type', 'public-key-bits'],
  },
  'standalone2.nodes.pve1.subscription': { volatile: ['serverid'] },
  'standalone.nodes.pve1.status': { volatile: ['kversion', 'release', 'version'] },
  'standalone2.nodes.pve1.status': { volatile: ['kversion', 'release', 'version'] },
  'cluster3.proxied-status': { volatile: ['kversion', 'release', 'version'] },
  'standalone2.nodes.pve1.capabilities.qemu.machines': { openLists: true },
  // A task that ended this very second has a number here.
  'cluster-tasks-after': { ignore: ['saved'] },
  // Theirs was written by hand before, so that its header is new too; times of files are not told.
  'net.list-pending': { volatile: ['changes'] },
  'node.syslog': { volatile: ['t', 'total'] },
}

interface Stage {
  title: string
  members: Members
  rows: Recording[]
  setUp?(sim: RunningSim): void | Promise<void>
  /** What happened in between that no call of ours does. */
  before?: Record<string, (sim: RunningSim, recording: Recording) => void | Promise<void>>
  beforeEach?(sim: RunningSim, recording: Recording): void
  rulesFor?(recording: Recording): Rules
}

function playStage(stage: Stage) {
  for (const recording of stage.rows) played.add(recording)
  describe(stage.title, () => {
    let sim: RunningSim
    let player: Player
    beforeAll(async () => {
      sim = await startRecordedSim(stage.members)
      player = new Player(sim)
      await stage.setUp?.(sim)
    })
    afterAll(async () => {
      player.close()
      await sim.close()
    })
    for (const recording of stage.rows) {
      test(`${recording.seq} ${recording.name}`, async () => {
        await stage.before?.[recording.name]?.(sim, recording)
        stage.beforeEach?.(sim, recording)
        const override = OVERRIDES[recording.name] ?? {}
        const rules = { ...stage.rulesFor?.(recording), ...RULES[recording.name] }
        expect(await player.play(recording, { override, rules })).toEqual([])
      })
    }
  })
}

const node = (sim: RunningSim, name: string): SimNode => sim.cluster.nodes.find((one) => one.name === name)!
const first = (sim: RunningSim) => node(sim, 'pve1').config

async function until(sim: RunningSim, condition: () => boolean) {
  while (!condition()) await sim.cluster.clock.sleep(1)
}

const TMP = { vmid: 100, node: 'pve1', name: 'tmp', cores: 1, gigabytes: 1, running: true }
const WEB1 = { vmid: 101, node: 'pve2', name: 'web1', cores: 2, gigabytes: 2, tags: 'prod;web', running: true }

playStage({
  title: 'a lone host',
  members: 0,
  rows: range(1, 100, (one) => one.node === 'pve1'),
  setUp(sim) {
    first(sim).access.users.get('root@pam')?.tokens.clear()
    node(sim, 'pve1').reporting = false
  },
  before: {
    'standalone2.nodes': (sim) => {
      node(sim, 'pve1').reporting = true
    },
  },
})

const CREATED = /^cluster\.create-(?:ok|link-not-local)$/
playStage({
  title: 'a cluster in the making',
  members: 0,
  rows: rest(109, 127).filter(({ name }) => CREATED.test(name)),
  before: {
    'cluster.create-ok': async (sim) => {
      await until(sim, () => node(sim, 'pve1').tasks.every(({ endtime }) => endtime !== undefined))
      delete first(sim).corosync
    },
  },
})

playStage({ title: 'a cluster of one', members: 1, rows: rest(109, 127).filter(({ name }) => !CREATED.test(name)) })

playStage({
  title: 'a host that wants to join',
  members: 1,
  rows: rest(128, 146).filter(({ method }) => method === 'POST'),
  setUp(sim) {
    const root = node(sim, 'pve2').config.access.users.get('root@pam')
    root?.tokens.set('tmp', { tokenid: 'tmp', secret: SECRET, privsep: false, expire: 0 })
  },
})

playStage({
  title: 'a cluster of two: users, tokens, ACLs, a token with few rights',
  members: 2,
  rows: range(
    150,
    208,
    (one) => one.node === 'pve1' && (one.status === 596 || !/^join\.pve.-(task|old)/.test(one.name)),
  ),
  setUp(sim) {
    addSharedStorage(sim.cluster, first(sim))
    addGuest(sim.cluster, first(sim), TMP)
    const root = first(sim).access.users.get('root@pam')
    root?.tokens.set('bot2', { tokenid: 'bot2', secret: 'x', privsep: false, expire: 0 })
  },
})

playStage({
  title: 'a cluster of three',
  members: 3,
  rows: range(215, 256, (one) => !isTaskCall(one)),
  setUp(sim) {
    addSharedStorage(sim.cluster, first(sim))
    addGuest(sim.cluster, first(sim), TMP)
  },
})

playStage({
  title: 'resources as guests come and go',
  members: 3,
  rows: range(257, 999, isResources).filter(({ name }) => !/noquorum|failover|delnode/.test(name)),
  setUp: (sim) => addSharedStorage(sim.cluster, first(sim)),
  beforeEach: (sim, recording) => applyResources(sim.cluster, first(sim), recording.body),
})

const tasks = recordedTasks(recordings)
/** The moment of a list: the latest time in it. */
const momentOf = (recording: Recording) => {
  const data = (recording.body as { data?: unknown } | null)?.data
  const list = (Array.isArray(data) ? data : []) as { starttime?: number; endtime?: number }[]
  return Math.max(0, ...list.map(({ starttime = 0, endtime = 0 }) => Math.max(starttime, endtime)))
}
/** pve1 was cut off then, and pve3 began anew: of what was before (after) nobody else knows. */
const CUT_AT = 1795382302
const REJOINED_AT = 1795382888
const RUNNING = /^task\.running|^noquorum\.delete\.task$/
const ownTasks = recordings.filter((one) => isTaskCall(one) && isOurs(one) && !played.has(one) && one.status < 590)

function forget(host: SimNode, before: number) {
  host.tasks = host.tasks.filter((task) => task.starttime >= before)
}

playStage({
  title: 'task lists',
  members: 3,
  rows: ownTasks.filter((one) => /^\/(cluster|nodes\/\w+)\/tasks$/.test(apiPath(one)) && !played.has(one)),
  setUp: (sim) => addOps(first(sim)),
  beforeEach: (() => {
    let asOf = 0
    return (sim, recording) => {
      asOf = Math.max(asOf, momentOf(recording))
      const seenAs = (name: string) => (recording.name === 'failover.cluster-tasks' && name === 'pve1' ? CUT_AT : asOf)
      for (const one of sim.cluster.nodes) applyTasks(one, tasks.values(), seenAs(one.name))
      if (asOf > REJOINED_AT) forget(node(sim, 'pve3'), REJOINED_AT)
    }
  })(),
  rulesFor: (recording) => (Number(recording.seq) > 509 ? { ignore: ['total'] } : {}),
})

playStage({
  title: 'ends and logs of tasks',
  members: 3,
  rows: ownTasks.filter((one) => !/^\/(cluster|nodes\/\w+)\/tasks$/.test(apiPath(one)) && !played.has(one)),
  setUp(sim) {
    addOps(first(sim))
  },
  beforeEach(sim, recording) {
    const ended = [...tasks.values()].map((task) => ({ endtime: 2 ** 31, ...task }))
    for (const one of sim.cluster.nodes) applyTasks(one, ended, 2 ** 32)
    if (!RUNNING.test(recording.name)) return
    const upid = decodeURIComponent(/UPID[^/]+/.exec(recording.path)?.[0] ?? '')
    const task = sim.cluster.nodes.flatMap((one) => one.tasks).find((one) => one.upid === upid)
    delete task?.endtime
    delete task?.exitstatus
    if (recording.name.endsWith('running-log')) task!.lines = []
  },
})

const HA_CONFIG = /^\/cluster\/ha\/(resources|rules|groups)(\/|$)/
const DISARMING = /^\/cluster\/ha\/status\/(dis)?arm-ha$/
playStage({
  title: 'high availability configured: resources, rules, requests to move',
  members: 3,
  rows: range(510, 577, (one) => HA_CONFIG.test(apiPath(one))),
  setUp(sim) {
    addOps(first(sim))
    for (const guest of [WEB1, { ...WEB1, vmid: 102, template: true }, { ...WEB1, vmid: 110 }]) {
      addGuest(sim.cluster, first(sim), guest)
    }
    first(sim).ha.manager.node_status = { pve1: 'online', pve2: 'online', pve3: 'online' }
  },
})

playStage({
  title: 'high availability disarmed, armed again, resources let go and taken back',
  members: 3,
  rows: [
    ...range(752, 771, (one) => HA_CONFIG.test(apiPath(one)) || DISARMING.test(apiPath(one))),
    ...range(811, 816, (one) => HA_CONFIG.test(apiPath(one))),
  ],
  setUp(sim) {
    addGuest(sim.cluster, first(sim), WEB1)
    const keys = { state: 'started', max_restart: 1, max_relocate: 1 }
    first(sim).ha.resources.set('vm:101', { sid: 'vm:101', type: 'vm', keys })
  },
})

playStage({
  title: 'what is read of high availability',
  members: 3,
  rows: range(500, 999, (one) => isHaRead(one) && !played.has(one)).filter(
    ({ name }) => !/noquorum|failover/.test(name),
  ),
  setUp: (sim) => addOps(first(sim)),
  beforeEach(sim, recording) {
    const { data } = recording.body as { data: Record<string, unknown> & Record<string, unknown>[] }
    const { ha } = first(sim)
    const path = apiPath(recording)
    if (path.endsWith('/current') && recording.status === 200) applyHaStatus(sim.cluster, first(sim), recording.body)
    if (path.endsWith('/manager_status')) {
      ha.manager = structuredClone(data.manager_status) as typeof ha.manager
      ha.lrm = new Map(Object.entries((data.lrm_status ?? {}) as Record<string, never>))
    }
    if (recording.status !== 200) return
    const listed = [data].flat() as Record<string, string | number>[]
    if (path.includes('/ha/resources')) {
      ha.resources.clear()
      for (const { sid, type, digest: _, ...keys } of listed)
        ha.resources.set(String(sid), { sid: String(sid), type: type as 'vm', keys })
    }
    if (path.includes('/ha/rules')) {
      ha.rules.clear()
      for (const { rule, type, order, digest: _, ...keys } of listed) {
        ha.rules.set(String(rule), { rule: String(rule), type: type as 'node-affinity', order: Number(order), keys })
      }
    }
  },
})

const cutRows = range(578, 618).filter((one) => !played.has(one))
playStage({
  title: 'a node cut off, and the others without it',
  members: 3,
  rows: cutRows,
  setUp(sim) {
    addSharedStorage(sim.cluster, first(sim))
    addOps(first(sim))
  },
  before: {
    'failover.before-ha-current': (sim) => {
      applyResources(sim.cluster, first(sim), cutRows.find(({ name }) => name === 'noquorum.resources')?.body)
      addGuest(sim.cluster, first(sim), TMP)
    },
    'noquorum.resources': (sim) => void node(sim, 'pve1').processes.delete(100),
    'noquorum.cluster-status': async (sim) => {
      cutNetwork(sim.cluster, node(sim, 'pve1'))
      await until(sim, () => node(sim, 'pve1').isolated)
    },
    'failover.after-resources': (sim) => {
      addGuest(sim.cluster, first(sim), WEB1)
      Object.assign(first(sim).ha.manager.node_status, { pve1: 'unknown', pve2: 'online', pve3: 'online' })
    },
    'failover.pve1-back-ha-current': async (sim) => {
      healNetwork(sim.cluster, node(sim, 'pve1'))
      await until(sim, () => node(sim, 'pve1').member)
    },
  },
  beforeEach(sim, recording) {
    if (!apiPath(recording).endsWith('/ha/status/current')) return
    const target = node(sim, recording.node)
    applyHaStatus(sim.cluster, target.frozen ?? target.config, recording.body)
  },
})

playStage({
  title: 'odd requests, pools, network, options, services',
  members: 3,
  rows: rest(619, 772).filter((one) => !played.has(one)),
  setUp(sim) {
    addSharedStorage(sim.cluster, first(sim))
    addOps(first(sim))
    addGuest(sim.cluster, first(sim), TMP)
    addGuest(sim.cluster, first(sim), WEB1)
  },
})

playStage({
  title: 'a node shut down and taken out',
  members: 3,
  rows: range(773, 784).filter((one) => !played.has(one)),
  setUp(sim) {
    for (const name of ['pve1', 'pve2', 'pve3']) first(sim).ha.manager.node_status[name] = 'online'
  },
  before: {
    'delnode.before': async (sim) => {
      await until(sim, () => node(sim, 'pve3').power === 'off')
    },
  },
})

const lateAuth = recordings.filter((one) => isOurs(one) && !played.has(one) && !isTaskCall(one))
const OLD_TICKET = /old-ticket-after/
playStage({
  title: 'ages of tickets, passwords, tickets from before a join',
  members: 3,
  rows: lateAuth,
  setUp(sim) {
    addOps(first(sim))
    first(sim).corosync!.version = 5
  },
  beforeEach(sim, recording) {
    if (!OLD_TICKET.test(recording.name) || recording.status === 200) return
    const foreign = { ...first(sim), ticketKey: 'of the host as it was alone' }
    const ticket = makeTicket(foreign, 'root@pam', sim.cluster.clock.now())
    OVERRIDES[recording.name] = { headers: { cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` } }
  },
})

describe('nothing hides', () => {
  test('every recording is played here, has its own test, or waits for its endpoint', () => {
    const waiting: Record<string, number> = {}
    for (const recording of recordings) {
      if (played.has(recording) || recording.name in ARTEFACTS) continue
      const endpoint = endpointOf(recording) ?? `${recording.method} ${recording.path}`
      if (ELSEWHERE.test(apiPath(recording))) continue
      waiting[endpoint] = (waiting[endpoint] ?? 0) + 1
    }
    expect(waiting).toEqual(WAITING)
  })
})

/** Recordings of endpoints that the simulator has not yet. Whoever adds one removes its line here. */
const WAITING = {
  'DELETE /cluster/backup/{id}': 1,
  'GET /cluster/backup': 2,
  'GET /cluster/backup-info/not-backed-up': 1,
  'GET /cluster/backup/{id}': 1,
  'GET /cluster/firewall/options': 1,
  'GET /cluster/metrics/server': 1,
  'GET /cluster/sdn': 1,
  'GET /nodes/{node}/firewall/rules': 1,
  'GET /nodes/{node}/rrddata': 1,
  'POST /cluster/backup': 1,
  'POST /nodes/{node}/startall': 1,
  'POST /nodes/{node}/stopall': 1,
  'PUT /cluster/backup/{id}': 1,
}

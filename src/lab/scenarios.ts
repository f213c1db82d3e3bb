/** The sites that a lab can begin with. */
import { formCluster, introduceHosts, makeHost } from './hosts.ts'
import type {
  Backing,
  ClusterConfig,
  Directory,
  NodeCertificate,
  SimCluster,
  SimNode,
  StorageEntry,
  Volume,
} from './model.ts'

export const SCENARIOS = ['cluster', 'empty', 'azuay'] as const
export type Scenario = (typeof SCENARIOS)[number]

export interface HostAddress {
  name: string
  ip: string
  domain: string
}

export interface HostIdentity {
  certificate: NodeCertificate
  authority: NodeCertificate
}

/** Three hosts and what to make of them; a scenario is one of ours, a test may bring its own. */
export interface Site {
  name: string
  hosts: HostAddress[]
  /** The hosts begin alone, each with a certificate authority of its own; otherwise all have the first one's. */
  alone?: boolean
  /** Fills `sim`; what was there is forgotten. `identities` are those of `hosts`, in their order. */
  fill(sim: SimCluster, identities: HostIdentity[], secrets: Secrets): void
  /** `stopped`: what is told of HA stays as it was filled in, as a picture of one moment. */
  ha?: 'stopped'
}

const HOSTS: HostAddress[] = [
  { name: 'pve1', ip: '172.16.1.103', domain: 'lab.test' },
  { name: 'pve2', ip: '172.16.1.104', domain: 'lab.test' },
  { name: 'pve3', ip: '172.16.1.105', domain: 'lab.test' },
]

export const siteOf = (scenario: Scenario): Site => ({
  name: scenario,
  hosts: HOSTS,
  alone: scenario !== 'cluster',
  fill: (sim, identities, secrets) => populate(sim, scenario, identities, secrets),
})

const GIB = 1024 ** 3
const HOUR = 3600

export interface Secrets {
  rootPassword: string
  /** quorum@pve!bot */
  bot: string
  /** quorum@pve!read */
  read: string
  /** quorum-access@pve!access */
  access: string
}

function populate(sim: SimCluster, scenario: Scenario, identities: HostIdentity[], secrets: Secrets) {
  sim.nodes = HOSTS.map((host, i) => {
    const uptime = (40 - 7 * i) * HOUR + sim.random.int(HOUR)
    return makeHost(sim, { ...host, ...identities[i]!, uptime, rootPassword: secrets.rootPassword })
  })
  introduceHosts(sim.nodes)
  for (const node of sim.nodes) stockLocal(sim, node)
  if (scenario === 'cluster') formCluster(sim.nodes, 'pvecluster')
  for (const node of scenario === 'cluster' ? sim.nodes.slice(0, 1) : sim.nodes) addBot(node.config, secrets)
  if (scenario !== 'empty') connectShared(sim)
  sim.directories.set('dc1.lab.test', school())
  if (scenario === 'cluster') furnish(sim)
}

/** Our own user: all rights for the acting token, reading ones for the other. */
function addBot({ access }: ClusterConfig, secrets: Secrets) {
  const token = (tokenid: string, secret: string, privsep: boolean) =>
    [tokenid, { tokenid, secret, privsep, expire: 0 }] as const
  access.users.set('quorum@pve', {
    userid: 'quorum@pve',
    enable: true,
    expire: 0,
    comment: 'Quorum',
    groups: [],
    tokens: new Map([token('bot', secrets.bot, false), token('read', secrets.read, true)]),
  })
  access.acl.push(
    { path: '/', type: 'user', ugid: 'quorum@pve', roleid: 'Administrator', propagate: true },
    { path: '/', type: 'token', ugid: 'quorum@pve!read', roleid: 'PVEAuditor', propagate: true },
  )
  addAccessBot(access, secrets)
}

/** Who manages access is an account apart, with what docs/least-privilege.md gives it. */
function addAccessBot(access: ClusterConfig['access'], secrets: Secrets) {
  const userid = 'quorum-access@pve'
  const token = { tokenid: 'access', secret: secrets.access, privsep: false, expire: 0 }
  const more = { enable: true, expire: 0, comment: 'Quorum, access alone', groups: [] }
  access.users.set(userid, { userid, ...more, tokens: new Map([['access', token]]) })
  const own = ['Permissions.Modify', 'Realm.Allocate', 'Realm.AllocateUser', 'Sys.Audit', 'User.Modify']
  access.roles.set('QuorumAccess', new Set(own))
  access.acl.push({ path: '/', type: 'user', ugid: userid, roleid: 'QuorumAccess', propagate: true })
}

const file = (sim: SimCluster, content: Volume['content'], name: string, size: number): Volume => ({
  name: `${content}/${name}`,
  content,
  format: content === 'iso' ? 'iso' : `t${name.split('.').at(-1)}`,
  size,
  ctime: Math.floor(sim.clock.now()) - 30 * 24 * HOUR,
})

function stockLocal(sim: SimCluster, node: SimNode) {
  node.local
    .get('local')
    ?.volumes.push(
      file(sim, 'iso', 'alpine-virt-3.22.iso', 65_011_712),
      file(sim, 'vztmpl', 'debian-12-standard_12.12-1_amd64.tar.zst', 124_345_116),
    )
}

export const NAS: StorageEntry = {
  storage: 'NASAccess',
  type: 'nfs',
  content: ['iso', 'vztmpl', 'backup'],
  shared: true,
  disable: false,
  options: { server: '172.16.1.20', export: '/volume1/NASAccess', path: '/mnt/pve/NASAccess' },
}

export const ARRAY: StorageEntry = {
  storage: 'Storage',
  type: 'lvm',
  content: ['images', 'rootdir'],
  shared: true,
  disable: false,
  options: { vgname: 'vg_array' },
}

/** The NAS and the disk array are there and full of what they hold, whether or not a storage.cfg names them. */
function connectShared(sim: SimCluster) {
  const nas: Backing = { total: 8192 * GIB, baseUsed: 410 * GIB, volumes: [] }
  nas.volumes.push(
    file(sim, 'iso', 'debian-12.iso', 659_554_304),
    file(sim, 'iso', 'ubuntu-24.04.iso', 2_773_874_688),
    file(sim, 'iso', 'Win11.iso', 5_819_484_160),
    file(sim, 'iso', 'virtio-win.iso', 753_094_656),
    file(sim, 'vztmpl', 'ubuntu-24.04-standard_24.04-2_amd64.tar.zst', 141_589_318),
  )
  sim.shared.set('nfs:172.16.1.20:/volume1/NASAccess', nas)
  sim.shared.set('lvm:vg_array', { total: 10_240 * GIB, baseUsed: 0, volumes: [] })
  sim.shared.set('iscsi:172.16.1.30:iqn.2001-05.com.example:array.lun0', {
    total: 14_336 * GIB,
    baseUsed: 0,
    volumes: [lun(sim, 0, 10_240 * GIB, { vg: 'vg_array' }), lun(sim, 1, 4096 * GIB, { filesystem: 'ext4' })],
  })
}

/** The accounts of a school: an Active Directory that `cn=reader` may look into. */
function school(): Directory {
  const person = (name: string, firstname: string, lastname: string, ...groups: string[]) => ({
    ...{ name, firstname, lastname, email: `${name}@lab.test` },
    groups,
  })
  return {
    binds: new Map([['cn=reader,dc=lab,dc=test', 'read-only-1']]),
    users: [
      person('maria', 'María', 'Vega', 'teachers'),
      person('jorge', 'Jorge', 'Paz', 'teachers', 'operators'),
      person('lucia', 'Lucía', 'Mora', 'students'),
      person('pablo', 'Pablo', 'Ríos', 'students'),
    ],
    groups: ['teachers', 'operators', 'students'],
  }
}

/** A LUN as the array names it. */
const lun = (sim: SimCluster, number: number, size: number, holds: NonNullable<Volume['holds']>): Volume => ({
  name: `0.0.${number}.scsi-36001405c0ffee00000000000000000${number}`,
  content: 'images',
  format: 'raw',
  size,
  ctime: Math.floor(sim.clock.now()),
  holds,
})

/** Storages named in storage.cfg, and one template: on a thin pool, so that linked clones are possible beside it. */
function furnish(sim: SimCluster) {
  const [first] = sim.nodes
  if (!first) return
  const { config } = first
  for (const entry of [NAS, ARRAY]) config.storages.set(entry.storage, structuredClone(entry))
  const ctime = Math.floor(sim.clock.now()) - 20 * 24 * HOUR
  first.local.get('local-lvm')?.volumes.push({
    name: 'base-9000-disk-0',
    content: 'images',
    format: 'raw',
    size: 16 * GIB,
    used: 2 * GIB,
    vmid: 9000,
    ctime,
  })
  config.guests.set(9000, {
    vmid: 9000,
    type: 'qemu',
    node: first.name,
    template: true,
    pending: {},
    snapshots: [],
    keys: {
      agent: '1',
      boot: 'order=scsi0',
      cores: 2,
      cpu: 'x86-64-v2-AES',
      memory: '2048',
      meta: `creation-qemu=10.0.2,ctime=${ctime}`,
      name: 'debian-12-template',
      net0: `virtio=BC:24:11:${sim.random.hex(6).toUpperCase().match(/../g)?.join(':')},bridge=vmbr0`,
      ostype: 'l26',
      scsi0: 'local-lvm:base-9000-disk-0,size=16G',
      scsihw: 'virtio-scsi-single',
      smbios1: `uuid=${sim.random.uuid()}`,
      vmgenid: sim.random.uuid(),
    },
  })
}

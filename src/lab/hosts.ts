/** Installed hosts, each alone in the world, and the making of a cluster out of them. */
import {
  type Backing,
  type ClusterConfig,
  type Corosync,
  emptyConfig,
  type Hardware,
  logToCluster,
  type NodeCertificate,
  type SimCluster,
  type SimNode,
  type StorageEntry,
} from './model.ts'
import { BUILT_IN_ROLES } from './roles.ts'

const GIB = 1024 ** 3
const HOUR = 3600

export interface HostSpec {
  name: string
  ip: string
  domain: string
  certificate: NodeCertificate
  /** Who signed it: the host's own authority, or the one of its cluster. */
  authority: NodeCertificate
  rootPassword: string
  /** Seconds that it has been running. */
  uptime: number
}

/** A host as the installer leaves it: root, two realms, `local` and `local-lvm`, one bridge. */
export function makeHost(sim: SimCluster, spec: HostSpec): SimNode {
  const now = sim.clock.now()
  const config = emptyConfig({ ticketKey: sim.random.hex(64), now: now - 6 * HOUR, authority: spec.authority })
  installAccess(config)
  for (const entry of [LOCAL, LOCAL_LVM]) config.storages.set(entry.storage, structuredClone(entry))
  const node: SimNode = {
    name: spec.name,
    nodeid: 0,
    ip: spec.ip,
    domain: spec.domain,
    power: 'on',
    network: 'up',
    bootedAt: now - spec.uptime,
    hardware: hardware(sim),
    certificate: spec.certificate,
    reporting: true,
    config,
    member: true,
    isolated: false,
    shadow: new Map([['root@pam', spec.rootPassword]]),
    processes: new Map(),
    local: new Map<string, Backing>([
      ['local', { total: 94 * GIB, baseUsed: 7 * GIB, volumes: [] }],
      ['local-lvm', { total: 320 * GIB, baseUsed: 0, volumes: [] }],
    ]),
    interfaces: interfaces(spec.ip),
    dns: { search: spec.domain, dns1: spec.ip.replace(/\d+$/, '1') },
    hosts: '',
    timezone: 'America/Guayaquil',
    tasks: [],
    nextPid: 1000 + sim.random.int(400),
    services: new Map(),
    syslog: bootLines(spec.name, now - spec.uptime),
  }
  logToCluster(config, {
    node: node.name,
    time: Math.floor(node.bootedAt) + 8,
    pri: 6,
    tag: 'cluster',
    pid: 900,
    user: 'root',
    msg: 'starting cluster log',
  })
  return node
}

export const LOCAL: StorageEntry = {
  storage: 'local',
  type: 'dir',
  content: ['iso', 'vztmpl', 'backup', 'import'],
  shared: false,
  disable: false,
  options: { path: '/var/lib/vz' },
}

export const LOCAL_LVM: StorageEntry = {
  storage: 'local-lvm',
  type: 'lvmthin',
  content: ['rootdir', 'images'],
  shared: false,
  disable: false,
  options: { thinpool: 'data', vgname: 'pve' },
}

function installAccess({ access }: ClusterConfig) {
  for (const [role, privs] of Object.entries(BUILT_IN_ROLES)) access.roles.set(role, new Set(privs))
  access.realms.set('pam', { realm: 'pam', type: 'pam', comment: 'Linux PAM standard authentication', options: {} })
  access.realms.set('pve', { realm: 'pve', type: 'pve', comment: 'Proxmox VE authentication server', options: {} })
  access.users.set('root@pam', { userid: 'root@pam', enable: true, expire: 0, groups: [], tokens: new Map() })
}

const CPU_FLAGS =
  'fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2 ht syscall nx pdpe1gb rdtscp lm constant_tsc rep_good nopl xtopology nonstop_tsc cpuid pni pclmulqdq vmx ssse3 fma cx16 sse4_1 sse4_2 x2apic movbe popcnt aes xsave avx f16c rdrand lahf_lm abm ept vpid fsgsbase bmi1 avx2 smep bmi2 erms invpcid avx512f rdseed adx smap clflushopt avx512cd sha_ni xsaveopt'

function hardware(sim: SimCluster): Hardware {
  const disk = { vendor: 'ATA', rpm: 0, type: 'ssd' as const, health: 'PASSED', wearout: 99 }
  const serial = () => `S${sim.random.hex(11).toUpperCase()}`
  return {
    sockets: 1,
    cores: 12,
    cpus: 24,
    cpuModel: 'Intel(R) Xeon(R) Silver 4310 CPU @ 2.10GHz',
    cpuVendor: 'GenuineIntel',
    cpuFlags: CPU_FLAGS,
    mhz: '2100.000',
    memory: 64 * GIB,
    rootTotal: 94 * GIB,
    rootUsed: 7 * GIB,
    disks: [
      {
        ...disk,
        devpath: '/dev/sda',
        model: 'INTEL SSDSC2KB480G8',
        serial: serial(),
        size: 480103981056,
        used: 'LVM',
        gpt: true,
      },
      {
        ...disk,
        devpath: '/dev/sdb',
        model: 'INTEL SSDSC2KB960G8',
        serial: serial(),
        size: 960197124096,
        used: '',
        gpt: false,
      },
    ],
  }
}

function interfaces(ip: string): SimNode['interfaces'] {
  const manual = { method: 'manual', method6: 'manual', families: ['inet'], active: 1 }
  return [
    { ...manual, iface: 'eno1', type: 'eth', priority: 3 },
    { ...manual, iface: 'eno2', type: 'eth', priority: 4 },
    {
      ...manual,
      iface: 'vmbr0',
      type: 'bridge',
      priority: 5,
      method: 'static',
      autostart: 1,
      address: ip,
      netmask: '24',
      cidr: `${ip}/24`,
      gateway: ip.replace(/\d+$/, '1'),
      bridge_ports: 'eno1',
      bridge_stp: 'off',
      bridge_fd: '0',
    },
  ]
}

function bootLines(name: string, bootedAt: number) {
  const stamp = (offset: number) => {
    const [, month, day, time] =
      /^\w+ (\w+) (\d+) \d+ ([\d:]+)/.exec(new Date((bootedAt + offset) * 1000).toString()) ?? []
    return `${month} ${day} ${time} ${name}`
  }
  return [
    `${stamp(0)} systemd-journald[310]: Journal started`,
    `${stamp(2)} systemd[1]: Reached target network-online.target - Network is Online.`,
    `${stamp(5)} systemd[1]: Started pve-cluster.service - The Proxmox VE cluster filesystem.`,
    `${stamp(9)} systemd[1]: Started pvedaemon.service - PVE API Daemon.`,
    `${stamp(10)} systemd[1]: Started pveproxy.service - PVE API Proxy Server.`,
  ]
}

/** /etc/hosts of every host names all of them, as careful administrators have it. */
export function introduceHosts(nodes: SimNode[]) {
  const lines = nodes.map((node) => `${node.ip} ${node.name}.${node.domain} ${node.name}\n`)
  for (const node of nodes) node.hosts = `127.0.0.1 localhost.localdomain localhost\n${lines.join('')}`
}

/** Makes one cluster of lone hosts at once: all take the first one's /etc/pve. */
export function formCluster(nodes: SimNode[], name: string) {
  const [first] = nodes
  if (!first) return
  const corosync: Corosync = { name, version: nodes.length, nodes: [] }
  nodes.forEach((node, i) => {
    if (node !== first) first.config.log.push(...node.config.log)
    node.nodeid = i + 1
    node.config = first.config
    corosync.nodes.push({ name: node.name, nodeid: node.nodeid, votes: 1, ring0: node.ip })
  })
  first.config.corosync = corosync
}

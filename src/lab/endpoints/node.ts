/** One host: what it is, how it feels, what time it has, and how it is told to go. */
import { badParams, fail } from '../fault.ts'
import { nodeByName, type SimNode } from '../model.ts'
import { powerOn, shutDown } from '../power.ts'
import { sha1Hex } from '../random.ts'
import { type Context, compact, index, optNum, optStr, Reply, type Route, splitList, str } from '../router.ts'
import { nodeFigures, noise } from '../stats.ts'

const CHILDREN = [
  ...['aplinfo', 'apt', 'capabilities', 'ceph', 'certificates', 'config', 'disks', 'dns', 'firewall', 'hardware'],
  ...['hosts', 'journal', 'lxc', 'migrateall', 'netstat', 'network', 'qemu', 'query-oci-repo-tags'],
  ...['query-url-metadata', 'replication', 'report', 'rrd', 'rrddata', 'scan', 'sdn', 'services', 'spiceshell'],
  ...['startall', 'status', 'stopall', 'storage', 'subscription', 'suspendall', 'syslog', 'tasks', 'termproxy'],
  ...['time', 'version', 'vncshell', 'vzdump', 'wakeonlan'],
]

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/',
    handler: index('subdir', 'version', 'cluster', 'nodes', 'storage', 'access', 'pools'),
  },
  { method: 'GET', path: '/version', handler: version },
  { method: 'GET', path: '/nodes/{node}', handler: index('name', ...CHILDREN) },
  { method: 'GET', path: '/nodes/{node}/version', handler: version },
  { method: 'GET', path: '/nodes/{node}/status', handler: status },
  { method: 'POST', path: '/nodes/{node}/status', handler: command },
  { method: 'GET', path: '/nodes/{node}/config', handler: ({ node }) => compact({ wakeonlan: node.wakeonlan }) },
  { method: 'PUT', path: '/nodes/{node}/config', handler: configure },
  { method: 'POST', path: '/nodes/{node}/wakeonlan', handler: wake },
  { method: 'GET', path: '/nodes/{node}/time', handler: time },
  { method: 'GET', path: '/nodes/{node}/dns', handler: ({ node }) => ({ ...node.dns }) },
  { method: 'GET', path: '/nodes/{node}/hosts', handler: hosts },
  { method: 'GET', path: '/nodes/{node}/subscription', handler: subscription },
  { method: 'GET', path: '/nodes/{node}/syslog', handler: syslog },
]

function version({ sim }: Context) {
  const { full, repoid } = sim.pve
  return { version: full, release: /^\d+\.\d+/.exec(full)?.[0] ?? full, repoid }
}

const KERNELS = { '7.2': '5.15.30-2-pve', '8.4': '6.8.12-9-pve', '9.2': '6.17.4-2-pve' }
const BUILD = '#1 SMP PREEMPT_DYNAMIC'

function status({ sim, node, now }: Context) {
  const { hardware } = node
  const { cpu, mem, maxmem, disk, maxdisk, uptime } = nodeFigures(sim, node)
  const release = KERNELS[sim.pve.version]
  return {
    uptime,
    cpu,
    wait: noise(`${node.name}w`, now) * 0.002,
    idle: 0,
    loadavg: loadAverages(node, cpu, now),
    memory: { total: maxmem, used: mem, free: Math.round((maxmem - mem) * 0.92), available: maxmem - mem },
    swap: { total: 0, used: 0, free: 0 },
    ksm: { shared: 0 },
    rootfs: { total: maxdisk, used: disk, avail: maxdisk - disk, free: maxdisk - disk },
    cpuinfo: {
      model: hardware.cpuModel,
      vendor: hardware.cpuVendor,
      mhz: hardware.mhz,
      flags: hardware.cpuFlags,
      hvm: /\b(svm|vmx)\b/.test(hardware.cpuFlags) ? '1' : '',
      family: hardware.cpuVendor === 'AuthenticAMD' ? '25' : '6',
      cores: hardware.cores,
      cpus: hardware.cpus,
      sockets: hardware.sockets,
      user_hz: 100,
    },
    'boot-info': { mode: 'legacy-bios' },
    kversion: `Linux ${release} ${BUILD}`,
    'current-kernel': { sysname: 'Linux', machine: hardware.machine ?? 'x86_64', release, version: BUILD },
    pveversion: `pve-manager/${sim.pve.full}/${sim.pve.repoid}`,
  }
}

const loadAverages = (node: SimNode, cpu: number, now: number) =>
  [1, 5, 15].map((minutes) => (cpu * node.hardware.cpus * (0.8 + 0.4 * noise(`l${minutes}`, now))).toFixed(2))

function command(ctx: Context) {
  shutDown(ctx.sim, ctx.node, str(ctx, 'command') === 'reboot' ? 'reboot' : 'shutdown')
}

function configure(ctx: Context) {
  const mac = optStr(ctx, 'wakeonlan')
  if (mac !== undefined) ctx.node.wakeonlan = mac
  if (splitList(optStr(ctx, 'delete') ?? '').includes('wakeonlan')) delete ctx.node.wakeonlan
}

/** Carried out by whoever was asked: a host that is off takes no calls. */
function wake({ sim, config, entry, params }: Context) {
  const name = String(params.node)
  if (name === entry.name) throw badParams({ node: `'${name}' is local node, cannot wake my self!` })
  const node = config.corosync?.nodes.some((member) => member.name === name) ? nodeByName(sim, name) : undefined
  if (!node) throw fail(`no such cluster node '${name}'`)
  if (!node.wakeonlan) throw fail(`No wake on LAN MAC address defined for '${name}'!`)
  const mac = /(?:[\da-f]{2}:){5}[\da-f]{2}/i.exec(node.wakeonlan)?.[0] ?? node.wakeonlan
  powerOn(sim, node)
  return mac
}

function time({ node, now }: Context) {
  const seconds = Math.floor(now + (node.clockAhead ?? 0))
  return { time: seconds, localtime: seconds + utcOffset(node.timezone, seconds), timezone: node.timezone }
}

/** Seconds that the zone is ahead of UTC at that moment. */
function utcOffset(timezone: string, seconds: number) {
  const zone = timezone === 'Etc/UTC' ? 'UTC' : timezone
  const local = new Date(seconds * 1000).toLocaleString('sv-SE', { timeZone: zone })
  return Math.round(Date.parse(`${local.replace(' ', 'T')}Z`) / 1000) - seconds
}

function hosts({ node }: Context) {
  return { data: node.hosts, digest: sha1Hex(node.hosts) }
}

function subscription({ node }: Context) {
  return {
    status: 'notfound',
    message: 'There is no subscription key',
    serverid: sha1Hex(`${node.name}.${node.domain} ${node.hardware.disks[0]?.serial}`).slice(0, 32).toUpperCase(),
    url: 'https://www.proxmox.com/en/proxmox-virtual-environment/pricing',
  }
}

const DEFAULT_LINES = 50

function syslog(ctx: Context) {
  const start = optNum(ctx, 'start') ?? 0
  const limit = optNum(ctx, 'limit') ?? DEFAULT_LINES
  const { syslog: lines } = ctx.node
  const page = lines.slice(start, limit === 0 ? undefined : start + limit)
  return new Reply(
    page.map((t, i) => ({ n: start + i + 1, t })),
    { total: lines.length },
  )
}

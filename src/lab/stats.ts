/** The figures that pvestatd gathers: load, memory, uptimes. Made up, but steady: the same host at the same time says the same. */
import type { ClusterConfig, GuestConfig, LastSeen, SimCluster, SimNode } from './model.ts'
import { nodeByName, seesOnline, viewOf } from './model.ts'

const MIB = 1024 ** 2
/** pvestatd's, in seconds. */
const BEAT = 10

/** Repeatable noise in 0..1 that changes every ten simulated seconds, pvestatd's beat. */
export function noise(name: string, now: number): number {
  let hash = Math.floor(now / BEAT) >>> 0
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 2654435761) >>> 0
  hash ^= hash >>> 15
  return (Math.imul(hash, 2246822519) >>> 0) / 2 ** 32
}

export interface NodeFigures {
  cpu: number
  maxcpu: number
  mem: number
  maxmem: number
  disk: number
  maxdisk: number
  uptime: number
}

export function nodeFigures(sim: SimCluster, node: SimNode): NodeFigures {
  const now = sim.clock.now()
  const { hardware } = node
  const guests = [...node.processes.values()]
  const load = guests.reduce((sum, guest) => sum + guestLoad(guest.vmid, guest.keys, now).cores, 0)
  const memory = guests.reduce((sum, guest) => sum + memoryOf(guest.keys) * 0.6, 0)
  return {
    cpu: Math.min(1, 0.01 + noise(node.name, now) * 0.03 + load / hardware.cpus),
    maxcpu: hardware.cpus,
    mem: Math.round(Math.min(hardware.memory, 1.6 * 1024 * MIB + noise(`${node.name}m`, now) * 64 * MIB + memory)),
    maxmem: hardware.memory,
    disk: rootUsed(node),
    maxdisk: hardware.rootTotal,
    uptime: Math.max(0, Math.floor(now - node.bootedAt)),
  }
}

/** What lies on `local` takes space of the root file system. */
const rootUsed = (node: SimNode) =>
  (node.local.get('local')?.volumes ?? []).reduce((sum, volume) => sum + volume.size, node.hardware.rootUsed)

export interface GuestFigures {
  status: string
  name: string
  uptime: number
  cpu: number
  maxcpu: number
  mem: number
  maxmem: number
  memhost: number
  disk: number
  maxdisk: number
  netin: number
  netout: number
  diskread: number
  diskwrite: number
}

/**
 * A guest as `viewer` believes it to be: live while the guest's node is seen, else the last that was heard. Proxmox
 * lies here about guests of a dead node (recorded in trace-seed-validation), and so do we.
 */
export function guestFigures(sim: SimCluster, viewer: SimNode, guest: GuestConfig): GuestFigures {
  const config = viewOf(viewer)
  const home = nodeByName(sim, guest.node)
  const process = home?.processes.get(guest.vmid)
  const visible = home !== undefined && seesOnline(viewer, home) && (home.power !== 'stopping' || home === viewer)
  const heard = config.lastSeen.get(guest.vmid)
  const stale = visible ? !process && heard !== undefined && heard.node !== guest.node : heard !== undefined
  const live = stale && heard ? heard : liveFigures(sim, guest, visible ? home : undefined)
  const { node: _, type: __, ...figures } = live
  return { ...staticFigures(guest), ...figures }
}

function staticFigures(guest: GuestConfig) {
  const { keys } = guest
  return {
    name: String(keys.name ?? keys.hostname ?? (guest.type === 'qemu' ? `VM ${guest.vmid}` : `CT${guest.vmid}`)),
    maxcpu: coresOf(keys),
    maxmem: memoryOf(keys),
    maxdisk: bootDiskSize(keys),
    memhost: 0,
    disk: 0,
  }
}

function liveFigures(sim: SimCluster, guest: GuestConfig, home: SimNode | undefined): LastSeen {
  const process = home?.processes.get(guest.vmid)
  const now = sim.clock.now()
  const idle = { status: 'stopped', uptime: 0, mem: 0, cpu: 0, netin: 0, netout: 0, diskread: 0, diskwrite: 0 }
  const place = { node: guest.node, type: guest.type }
  if (!process) return { ...place, ...idle }
  const uptime = Math.max(0, Math.floor(now - process.startedAt))
  const { share } = guestLoad(guest.vmid, process.keys, now)
  const memory = memoryOf(process.keys)
  return {
    ...place,
    status: 'running',
    uptime,
    cpu: share,
    mem: Math.round(memory * Math.min(0.62, 0.2 + uptime / 300)),
    netin: uptime * (220 + (guest.vmid % 7) * 31),
    netout: uptime * (90 + (guest.vmid % 5) * 17),
    diskread: guest.type === 'lxc' ? uptime * 4096 : 0,
    diskwrite: guest.type === 'lxc' ? uptime * 2048 : 0,
  }
}

/** Keeps in `config` what its readers last heard of a node, for the time when it says nothing more. */
export function rememberNode(sim: SimCluster, node: SimNode, config: ClusterConfig = node.config) {
  rememberGuests(sim, node, config)
  rememberTasks(node, config)
}

/** From now on the others are told nothing new of the node's guests. */
export function rememberGuests(sim: SimCluster, node: SimNode, config: ClusterConfig = node.config) {
  for (const guest of config.guests.values()) {
    if (guest.node === node.name) config.lastSeen.set(guest.vmid, liveFigures(sim, guest, node))
  }
}

export function rememberTasks(node: SimNode, config: ClusterConfig = node.config) {
  config.lastTasks.set(
    node.name,
    node.tasks.slice(-25).map((task) => ({ ...task })),
  )
}

/** Whether the node's pvestatd has told the others of a guest that was just made. */
export const isKnown = ({ bornAt }: GuestConfig, now: number) =>
  bornAt === undefined || Math.floor(now / BEAT) > Math.floor(bornAt / BEAT)

const guestLoad = (vmid: number, keys: GuestConfig['keys'], now: number) => {
  const share = 0.01 + noise(`vm${vmid}`, now) * 0.08
  return { share, cores: share * coresOf(keys) }
}

export const coresOf = (keys: GuestConfig['keys']) => Number(keys.cores ?? 1) * Number(keys.sockets ?? 1)

/** Bytes. Proxmox's default is 512 MiB; `memory` may be a property string (`current=2048`). */
export function memoryOf(keys: GuestConfig['keys']): number {
  const text = String(keys.memory ?? 512)
  return Number(/(?:^|current=)(\d+)/.exec(text)?.[1] ?? 512) * MIB
}

const DISK_KEY = /^(?:(?:scsi|virtio|ide|sata)\d+|rootfs)$/

/** Bytes of the disk that the guest boots from; 0 without one. */
export function bootDiskSize(keys: GuestConfig['keys']): number {
  const order = /order=([^,]*)/.exec(String(keys.boot ?? ''))?.[1]?.split(';') ?? []
  const candidates = [
    ...order,
    'rootfs',
    ...Object.keys(keys)
      .filter((key) => DISK_KEY.test(key))
      .sort(),
  ]
  const disk = candidates.find((key) => DISK_KEY.test(key) && keys[key] && !/media=cdrom/.test(String(keys[key])))
  return disk === undefined ? 0 : sizeFrom(String(keys[disk]))
}

/** Bytes from a drive's `size=32G`. */
export function sizeFrom(drive: string): number {
  const [, amount = '0', unit = ''] = /(?:^|,)size=(\d+(?:\.\d+)?)([KMGT]?)/.exec(drive) ?? []
  return Number(amount) * 1024 ** ['', 'K', 'M', 'G', 'T'].indexOf(unit)
}

/** Reading guests: the list of a node, `status/current`, `rrddata`, the folders of the API. */
import type { GuestConfig } from '../model.ts'
import { viewOf } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { compact, flag, index, str } from '../router.ts'
import { guestFigures, noise } from '../stats.ts'
import { drivesOf } from './qemu-drives.ts'
import { findGuest, isHaManaged } from './qemu-guests.ts'
import { rrdTimes } from './rrd.ts'

function list(ctx: Context): Json {
  return [...ctx.config.guests.values()]
    .filter((guest) => guest.node === ctx.node.name && guest.type === 'qemu')
    .filter((guest) => ctx.can(`/vms/${guest.vmid}`, 'VM.Audit'))
    .map((guest) => row(ctx, guest, flag(ctx, 'full')))
}

/** What both the list and `status/current` say. */
function row(ctx: Context, guest: GuestConfig, full = false): { [key: string]: Json } {
  const figures = guestFigures(ctx.sim, ctx.node, guest)
  const process = ctx.node.processes.get(guest.vmid)
  const { status, name, uptime, cpu, mem, maxmem, maxdisk, disk, netin, netout, memhost } = figures
  const newer = ctx.sim.pve.version === '9.2'
  const { diskread, diskwrite } = figures
  return compact({
    vmid: guest.vmid,
    ...{ status, name, uptime, cpu, mem, maxmem, maxdisk, disk, netin, netout },
    cpus: Math.min(figures.maxcpu, ctx.node.hardware.cpus),
    ...(newer ? { memhost } : { diskread, diskwrite }),
    ...(newer && process ? pressure(ctx, guest.vmid) : {}),
    pid: process?.pid,
    tags: guest.keys.tags,
    lock: process?.lock ?? guest.lock,
    template: guest.template ? 1 : undefined,
    qmpstatus: full ? (process?.qmpstatus ?? 'stopped') : undefined,
  })
}

/** How much of the time somebody in the guest's cgroup had to wait: percent, two decimals. */
function pressure(ctx: Context, vmid: number) {
  const some = Math.round(noise(`pressure${vmid}`, ctx.now) * 600) / 100
  const cpu = { pressurecpusome: some, pressurecpufull: Math.round(some * 80) / 100 }
  return { ...cpu, pressureiosome: 0, pressureiofull: 0, pressurememorysome: 0, pressurememoryfull: 0 }
}

function current(ctx: Context): Json {
  const guest = findGuest(ctx, Number(ctx.params.vmid))
  const process = ctx.node.processes.get(guest.vmid)
  return compact({
    ...row(ctx, guest),
    qmpstatus: process?.qmpstatus ?? 'stopped',
    ha: haOf(ctx, guest),
    agent: /^(1|enabled=1)/.test(String(guest.keys.agent ?? '')) ? 1 : undefined,
    serial: guest.keys.serial0 === undefined ? undefined : 1,
    nics: process && ctx.sim.pve.version !== '7.2' ? nics(ctx, guest) : undefined,
  })
}

function haOf(ctx: Context, guest: GuestConfig): Json {
  if (!isHaManaged(ctx.config, guest.vmid)) return { managed: 0 }
  const sid = `vm:${guest.vmid}`
  const keys = ctx.config.ha.resources.get(sid)?.keys
  const state = ctx.config.ha.manager.service_status?.[sid]?.state
  return compact({ managed: 1, group: keys?.group, state: state ?? keys?.state ?? 'queued' })
}

function nics(ctx: Context, guest: GuestConfig): Json {
  const { netin, netout } = guestFigures(ctx.sim, ctx.node, guest)
  const cards = Object.keys(guest.keys).filter((key) => /^net\d+$/.test(key))
  return Object.fromEntries(
    cards.map((key, i) => [
      `tap${guest.vmid}i${key.slice(3)}`,
      { netin: i === 0 ? netin : 0, netout: i === 0 ? netout : 0 },
    ]),
  )
}

function rrddata(ctx: Context): Json {
  const guest = viewOf(ctx.node).guests.get(Number(ctx.params.vmid))
  const now = guest && guestFigures(ctx.sim, ctx.node, guest)
  const since = madeAt(guest)
  return rrdTimes(ctx.now, str(ctx, 'timeframe')).map((time) => {
    if (!now || time < since) return { time }
    const fixed = { time, maxcpu: now.maxcpu, maxmem: now.maxmem, maxdisk: now.maxdisk, disk: 0 }
    if (ctx.now - now.uptime > time || now.status !== 'running') return fixed
    const { mem, netin, netout, uptime } = now
    const cpu = 0.01 + noise(`vm${guest.vmid}`, time) * 0.08
    return { ...fixed, cpu, mem, netin: netin / uptime, netout: netout / uptime, diskread: 0, diskwrite: 0 }
  })
}

/** A guest that says nothing about its birth is as old as time. */
const madeAt = (guest: GuestConfig | undefined) => Number(/ctime=(\d+)/.exec(String(guest?.keys.meta ?? ''))?.[1] ?? 0)

function cloudinit(ctx: Context): Json {
  const guest = findGuest(ctx, Number(ctx.params.vmid))
  if (!drivesOf(guest.keys).some(({ drive }) => drive.file.includes('cloudinit'))) return []
  return Object.entries(guest.keys)
    .filter(([key]) => /^(ci|ipconfig\d|nameserver|searchdomain|sshkeys)/.test(key))
    .map(([key, value]) => ({ key, value: key === 'cipassword' ? '**********' : value }))
}

const FOLDERS = [
  ...['config', 'cloudinit', 'pending', 'status', 'unlink', 'vncproxy', 'termproxy', 'migrate', 'resize', 'move'],
  ...['rrd', 'rrddata', 'monitor', 'agent', 'snapshot', 'spiceproxy', 'sendkey', 'firewall', 'mtunnel'],
  'remote_migrate',
]

const STATES = ['current', 'start', 'stop', 'reset', 'shutdown', 'suspend', 'reboot']

const VM = '/nodes/{node}/qemu/{vmid}'

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/qemu', handler: list },
  { method: 'GET', path: VM, handler: index('subdir', ...FOLDERS) },
  { method: 'GET', path: `${VM}/status`, handler: index('subdir', ...STATES) },
  { method: 'GET', path: `${VM}/status/current`, handler: current },
  { method: 'GET', path: `${VM}/rrddata`, handler: rrddata },
  { method: 'GET', path: `${VM}/cloudinit`, handler: cloudinit },
  { method: 'GET', path: `${VM}/firewall/rules`, handler: () => [] },
]

/** Reading containers. */

import type { GuestConfig } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { compact, flag, index } from '../router.ts'
import { guestFigures } from '../stats.ts'
import { findGuest, guestDigest } from './qemu-guests.ts'
import { withPending } from './qemu-pending.ts'
import { shownKeys } from './qemu-values.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

function list(ctx: Context): Json {
  return [...ctx.config.guests.values()]
    .filter((guest) => guest.node === ctx.node.name && guest.type === 'lxc')
    .filter((guest) => ctx.can(`/vms/${guest.vmid}`, 'VM.Audit'))
    .map((guest) => row(ctx, guest))
}

function row(ctx: Context, guest: GuestConfig) {
  const { status, name, uptime, cpu, maxcpu, mem, maxmem, disk, maxdisk, netin, netout, diskread, diskwrite } =
    guestFigures(ctx.sim, ctx.node, guest)
  return compact({
    vmid: guest.vmid,
    type: 'lxc',
    ...{ status, name, uptime, cpu, mem, maxmem, disk, maxdisk, netin, netout, diskread, diskwrite },
    cpus: maxcpu,
    swap: 0,
    maxswap: Number(guest.keys.swap ?? 512) * 1024 ** 2,
    pid: ctx.node.processes.get(guest.vmid)?.pid,
    tags: guest.keys.tags,
    lock: guest.lock,
    template: guest.template ? 1 : undefined,
  })
}

function current(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx), 'lxc')
  const sid = `ct:${guest.vmid}`
  const managed = ctx.config.ha.resources.get(sid)
  const state = ctx.config.ha.manager.service_status?.[sid]?.state
  return { ...row(ctx, guest), ha: managed ? compact({ managed: 1, state }) : { managed: 0 } }
}

function config(ctx: Context): Json {
  const guest = findGuest(ctx, vmidOf(ctx), 'lxc')
  const keys = flag(ctx, 'current') ? guest.keys : withPending(guest)
  return compact({ ...shownKeys(ctx.sim, keys), digest: guestDigest(guest), lock: guest.lock })
}

const CT = '/nodes/{node}/lxc/{vmid}'

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/lxc', handler: list },
  {
    method: 'GET',
    path: CT,
    handler: index(
      'subdir',
      'config',
      'pending',
      'status',
      'snapshot',
      'firewall',
      'rrd',
      'rrddata',
      'migrate',
      'vncproxy',
    ),
  },
  { method: 'GET', path: `${CT}/config`, handler: config },
  { method: 'GET', path: `${CT}/status`, handler: index('subdir', 'current', 'start', 'stop', 'shutdown', 'migrate') },
  { method: 'GET', path: `${CT}/status/current`, handler: current },
]

import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { findGuest } from '../src/core/find.ts'
import { defineWorker } from '../src/core/worker.ts'
import type { GuestState, Proxmox } from '../src/proxmox/port.ts'

const actions = ['start', 'stop', 'shutdown', 'reboot', 'reset', 'suspend', 'resume'] as const
type Action = (typeof actions)[number]

/** What Proxmox calls the task, without the kind: `qmstart`, `vzstart`; HA takes over start and stop. */
const haTypes: Partial<Record<Action, readonly string[]>> = {
  start: ['hastart'],
  stop: ['hastop'],
  shutdown: ['hastop'],
}

/** A task is called as its action is, but for this one. */
const taskOf = (kind: 'qemu' | 'lxc', action: Action) =>
  `${kind === 'qemu' ? 'qm' : 'vz'}${action === 'suspend' && kind === 'qemu' ? 'pause' : action}`

type Wanted = 'running' | 'stopped' | 'paused'
const wantedBy = (action: Action): Wanted =>
  action === 'stop' || action === 'shutdown' ? 'stopped' : action === 'suspend' ? 'paused' : 'running'

/** HA acts in rounds of ten seconds, first its manager and then the node's own part. */
const haPatienceMs = 180_000
/** After a reboot's task has ended, the guest is started again by the node's cleanup. */
const rebootPatienceMs = 60_000

/**
 * Switches a guest on or off, or holds it. For a guest under HA the task only passes the wish on, so the worker waits for HA to do
 * it; when HA does not within its time, that is said and not taken for a failure.
 */
export default defineWorker({
  payload: z.object({
    vmid: z.int().min(100),
    kind: z.enum(['qemu', 'lxc']),
    name: z.string(),
    action: z.enum(actions),
    /** Of `shutdown` and `reboot`: how long the guest may take. */
    timeoutSeconds: z.int().min(1).optional(),
    /** Of `shutdown`: switched off hard when the time is up. */
    force: z.boolean().optional(),
  }),
  needs: [{ path: '/vms/{vmid}', privileges: ['VM.PowerMgmt'] }],
  locks: ({ vmid }) => [`guest:${vmid}`],
  text: {
    en: {
      title: '{action} {name} ({vmid})',
      steps: { find: 'Find its node', act: 'Ask Proxmox', check: 'Read the state back' },
      done: '{name} ({vmid}) on {node}: {now}',
      words: {
        running: 'running',
        stopped: 'stopped',
        paused: 'paused',
        wasReset: 'was reset and is running',
        rebooted: 'rebooted and running again',
        asked: 'high availability has been asked',
        notYet: 'HA was asked and took the request, but the machine is not {wanted} yet. See: vm show {vmid}',
        elsewhere: 'HA started it on {node}.',
        left: '{name} ({vmid}) on {node}: {status}',
        gone: 'no machine {vmid}',
      },
      refusals: {
        'another-guest': {
          says: 'VMID {vmid} now belongs to "{now}" and no longer to "{name}", so nothing was done.',
          hint: 'vm show {vmid}',
        },
        'not-back': {
          says: 'The reboot ended well, but {name} ({vmid}) is not running again.',
          hint: 'vm start {vmid}',
        },
      },
    },
    es: {
      title: '{action} {name} ({vmid})',
      steps: { find: 'Encontrar su nodo', act: 'Pedirlo a Proxmox', check: 'Leer el estado de vuelta' },
      done: '{name} ({vmid}) en {node}: {now}',
      words: {
        running: 'encendida',
        stopped: 'apagada',
        paused: 'en pausa',
        wasReset: 'se reinició en seco y está encendida',
        rebooted: 'se reinició y está encendida otra vez',
        asked: 'ya se le pidió a la alta disponibilidad',
        notYet: 'HA recibió el pedido, pero la máquina todavía no está {wanted}. Míralo con: vm show {vmid}',
        elsewhere: 'HA la encendió en {node}.',
        left: '{name} ({vmid}) en {node}: {status}',
        gone: 'no hay máquina {vmid}',
      },
      refusals: {
        'another-guest': {
          says: 'El VMID {vmid} ahora es de «{now}» y ya no de «{name}», así que no se hizo nada.',
          hint: 'vm show {vmid}',
        },
        'not-back': {
          says: 'El reinicio terminó bien, pero {name} ({vmid}) no volvió a encenderse.',
          hint: 'vm start {vmid}',
        },
      },
    },
  },
  titled: ({ action, name, vmid }) => ({ action, name, vmid }),
  async run({ payload, proxmox, job, step, effect, follow, until, say }) {
    const { vmid, kind, name, action } = payload
    const wanted = wantedBy(action)
    const { node } = await step('find', async () => {
      const { guests } = await proxmox.resources()
      const guest = findGuest(guests, String(vmid), job.cluster)
      if (guest.name !== name || guest.kind !== kind) {
        throw new Refused('another-guest', { vmid, name, now: guest.name })
      }
      return { node: guest.node }
    })
    const upid = await effect('act', {
      node,
      types: [taskOf(kind, action), ...(haTypes[action] ?? [])],
      id: String(vmid),
      act: () => proxmox.guestPower({ node, kind, vmid }, action, parameters(payload)),
    })
    const end = await follow('act', upid)
    const warnings = end.exit === 'OK' ? [] : [end.exit]
    // By the task and not by the configuration: HA may have been asked to let go of the guest meanwhile.
    const byHa = (upid.split(':')[5] ?? '').startsWith('ha')
    return step('check', async () => {
      const values = { name, vmid, node }
      if (byHa) {
        const found = await until(() => arrived(proxmox, payload, wanted), {
          everyMs: 2000,
          withinMs: haPatienceMs + (payload.timeoutSeconds ?? 0) * 1000,
        })
        if (found === undefined) {
          const late = say('notYet', { wanted: say(wanted), vmid })
          return { values: { ...values, now: say('asked') }, warnings: [...warnings, late] }
        }
        const moved = wanted === 'running' && found !== node ? [say('elsewhere', { node: found })] : []
        return { values: { ...values, node: found, now: say(wanted) }, warnings: [...warnings, ...moved] }
      }
      if (action === 'reboot') {
        const back = await until(() => rebooted(proxmox, { node, kind, vmid }, end.starttime), {
          everyMs: 1000,
          withinMs: rebootPatienceMs,
        })
        if (!back) throw new Refused('not-back', { name, vmid })
        return { values: { ...values, now: say('rebooted') }, warnings }
      }
      const state = await proxmox.guestState({ node, kind, vmid })
      // A machine that is still paused has not been resumed.
      const isThere = isAs(state, wanted) && !(action === 'resume' && state.status === 'paused')
      if (isThere) return { values: { ...values, now: say(action === 'reset' ? 'wasReset' : wanted) }, warnings }
      throw new Refused('not-there-after', { what: `${name} (${vmid}): ${say(wanted)}` })
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const { vmid, name } = payload
    const guest = (await proxmox.resources()).guests.find((candidate) => candidate.vmid === vmid)
    if (!guest) return [say('gone', { vmid })]
    const { status } = await proxmox.guestState(guest)
    return [say('left', { name, vmid, node: guest.node, status })]
  },
})

const isAs = ({ status }: GuestState, wanted: Wanted) =>
  wanted === 'running' ? status !== 'stopped' && status !== 'unknown' : status === wanted

function parameters({
  timeoutSeconds,
  force,
  action,
}: {
  timeoutSeconds?: number | undefined
  force?: boolean | undefined
  action: string
}) {
  return { timeout: timeoutSeconds, forceStop: action === 'shutdown' && force ? true : undefined }
}

/** The node on which the guest is as wanted; HA may have moved it. Undefined while it is not, or cannot be read. */
async function arrived(
  proxmox: Proxmox,
  { vmid, kind }: { vmid: number; kind: 'qemu' | 'lxc' },
  wanted: Wanted,
): Promise<string | undefined> {
  try {
    const { guests } = await proxmox.resources()
    const guest = guests.find((candidate) => candidate.vmid === vmid)
    if (!guest) return undefined
    return isAs(await proxmox.guestState({ node: guest.node, kind, vmid }), wanted) ? guest.node : undefined
  } catch {
    return undefined
  }
}

/** It runs, and for less time than has passed since the reboot began: both on the node's own clock. */
async function rebooted(
  proxmox: Proxmox,
  guest: { node: string; kind: 'qemu' | 'lxc'; vmid: number },
  since: number,
): Promise<true | undefined> {
  const state = await proxmox.guestState(guest)
  const now = await proxmox.nodeTime(guest.node)
  return state.status === 'running' && state.uptime <= now - since ? true : undefined
}

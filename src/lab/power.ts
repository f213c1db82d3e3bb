/**
 * What happens to whole hosts: power cuts, boots, clean shutdowns, cut networks, and what corosync and pmxcfs make of
 * it. Durations are those seen in test/recordings/trace-*.json.gz.
 */
import type { GuestProcess, SimCluster, SimNode } from './model.ts'
import { clusterNodes, emit, isRunning, isUnderHa, viewOf } from './model.ts'
import { rememberGuests, rememberNode, rememberTasks } from './stats.ts'
import { killTasks, startTask } from './tasks.ts'

/** Seconds. */
export const CORE_SECONDS = {
  /** From silence until the others call a node offline: corosync's token and consensus timeouts. */
  token: 7,
  /** From power on until the API answers, and until corosync has joined. */
  boot: 10,
  join: 12,
  /** A clean shutdown without guests, from the call until the host is off. */
  halt: 14,
  reboot: 20,
  /** Proxmox gives a guest this long to obey a shutdown. */
  guestStop: 60,
}

/** The plug is pulled: nothing on the host ends well, and nobody is told. */
export function cutPower(sim: SimCluster, node: SimNode) {
  if (node.power === 'off') return
  switchOff(sim, node, 'cut')
  noticeLater(sim, node)
}

function switchOff(sim: SimCluster, node: SimNode, by: 'shutdown' | 'cut') {
  if (node.network === 'up' && by === 'cut' && node.power !== 'stopping') rememberGuests(sim, node)
  if (node.network === 'up') rememberTasks(node)
  node.power = 'off'
  node.offBy = by
  node.processes.clear()
  killTasks(sim, node)
  emit(sim, { kind: 'power', node })
}

/** The watchdog's doing: as if the plug were pulled, but the host boots again. */
export function resetNode(sim: SimCluster, node: SimNode) {
  cutPower(sim, node)
  powerOn(sim, node)
}

/** Corosync of the others, and of the node itself if it still runs, needs its timeouts to call a node lost. */
function noticeLater(sim: SimCluster, node: SimNode) {
  sim.clock.after(CORE_SECONDS.token, () => updateMembership(sim, node))
}

/** A node is in the main partition while it runs and its network is up. */
function updateMembership(sim: SimCluster, node: SimNode) {
  const joined = isRunning(node) && node.network === 'up'
  const alone = isRunning(node) && node.network === 'cut' && node.config.corosync !== undefined
  if (joined === node.member && alone === node.isolated) return
  node.member = joined
  node.isolated = alone
  if (joined) delete node.frozen
  emit(sim, { kind: 'membership', node })
}

export function powerOn(sim: SimCluster, node: SimNode) {
  if (node.power !== 'off') return
  node.power = 'booting'
  delete node.offBy
  node.bootedAt = sim.clock.now()
  node.services.clear()
  emit(sim, { kind: 'power', node })
  const { bootedAt } = node
  const isStill = (power: string) => node.power === power && node.bootedAt === bootedAt
  sim.clock.after(CORE_SECONDS.boot, () => {
    if (!isStill('booting')) return
    node.power = 'on'
    if (node.config.corosync && node.network === 'cut') freeze(sim, node)
    node.isolated = node.config.corosync !== undefined
    emit(sim, { kind: 'power', node })
  })
  sim.clock.after(CORE_SECONDS.join, () => {
    if (isStill('on')) updateMembership(sim, node)
  })
}

export function cutNetwork(sim: SimCluster, node: SimNode) {
  if (node.network === 'cut') return
  rememberNode(sim, node)
  node.network = 'cut'
  if (isRunning(node) && node.config.corosync) freeze(sim, node)
  emit(sim, { kind: 'network', node })
  noticeLater(sim, node)
}

/** pmxcfs without quorum: what it knew when the others vanished. */
function freeze(sim: SimCluster, node: SimNode) {
  if (node.frozen) return
  const frozen = structuredClone(node.config)
  for (const other of clusterNodes(sim, node)) if (other !== node) rememberNode(sim, other, frozen)
  frozen.lastSeen = new Map([...frozen.lastSeen].filter(([, seen]) => seen.node !== node.name))
  node.frozen = frozen
}

export function healNetwork(sim: SimCluster, node: SimNode) {
  if (node.network === 'up') return
  node.network = 'up'
  emit(sim, { kind: 'network', node })
  sim.clock.after(CORE_SECONDS.join - CORE_SECONDS.boot, () => updateMembership(sim, node))
}

/** Proxmox's own way down: guests are asked to stop (and killed after their time), then the host goes. */
export function shutDown(sim: SimCluster, node: SimNode, command: 'shutdown' | 'reboot') {
  if (node.power !== 'on') return
  node.power = 'stopping'
  // pvestatd ends first: the others go on believing what it said last.
  if (node.network === 'up') rememberGuests(sim, node)
  emit(sim, { kind: 'power', node })
  const { bootedAt } = node
  const since = sim.clock.now()
  const ours = [...node.processes.values()].filter((guest) => !isUnderHa(viewOf(node), guest))
  const left = sim.ha?.leave(node, command)
  void Promise.all([stopAll(sim, node, ours), left]).then(() => {
    const end = Math.max(sim.clock.now() + 1, since + CORE_SECONDS.halt)
    sim.clock.at(end, () => {
      if (node.bootedAt === bootedAt) halt(sim, node, command)
    })
  })
}

/** Guests under HA are their agent's business. */
function stopAll(sim: SimCluster, node: SimNode, guests: GuestProcess[]): Promise<void> {
  return new Promise((resolve) => {
    startTask(sim, node, { type: 'stopall', user: 'root@pam' }, async () => {
      try {
        await Promise.all(guests.map((guest) => stopGuest(sim, node, guest)))
      } finally {
        resolve()
      }
    })
  })
}

/** A guest whose system does not answer takes the whole time, then it is switched off hard. */
async function stopGuest(sim: SimCluster, node: SimNode, guest: GuestProcess) {
  const type = guest.type === 'qemu' ? 'qmshutdown' : 'vzshutdown'
  await new Promise<void>((resolve) => {
    startTask(sim, node, { type, id: String(guest.vmid), user: 'root@pam' }, async (task) => {
      try {
        await task.sleep(Math.min(guest.shutdownSeconds ?? CORE_SECONDS.guestStop, CORE_SECONDS.guestStop))
        node.processes.delete(guest.vmid)
      } finally {
        resolve()
      }
    })
  })
}

function halt(sim: SimCluster, node: SimNode, command: 'shutdown' | 'reboot') {
  if (node.power !== 'stopping') return
  switchOff(sim, node, 'shutdown')
  updateMembership(sim, node)
  if (command === 'reboot') sim.clock.after(CORE_SECONDS.reboot - CORE_SECONDS.boot, () => powerOn(sim, node))
}

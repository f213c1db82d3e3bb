import type { ProxmoxPort } from './ports.ts'

type Kind = 'qemu' | 'lxc'

/** Guests of a drill, as they are looked for. */
export interface Watched {
  sid: string
  vmid: number
  kind: Kind
}

/**
 * One look at a cluster from any node but the victim. Where a guest runs is what its own node says: the list of all guests
 * shows those of a dead node as running for a minute, and as running on the next node before they have been started there.
 */
export async function lookAtDrill(proxmox: ProxmoxPort, guests: readonly Watched[], victim: string) {
  const o = { avoid: [victim], timeoutMs: 5000 }
  const [status, entries, tasks] = await Promise.all([
    proxmox.clusterStatus(o),
    proxmox.haStatus(o),
    proxmox.clusterTasks(o).catch(() => []),
  ])
  const online = status.members.filter((member) => member.online).map(({ name }) => name)
  const observer = online.find((name) => name !== victim) ?? victim
  const services = Object.fromEntries(
    entries.flatMap(({ type, sid, node, state }) =>
      type === 'service' && sid !== undefined ? [[sid, { node, state: state ?? '' }]] : [],
    ),
  )
  const running: Record<string, { node: string; uptime: number }> = {}
  const ask = async ({ sid, vmid, kind }: Watched, node: string) => {
    const state = await proxmox.guestState({ node, kind, vmid }, o).catch(() => undefined)
    if (state && state.status !== 'stopped' && state.status !== 'unknown') running[sid] = { node, uptime: state.uptime }
  }
  const [now] = await Promise.all([
    proxmox.nodeTime(observer, o),
    ...guests.map((guest) => {
      const node = services[guest.sid]?.node ?? victim
      return online.includes(node) ? ask(guest, node) : undefined
    }),
  ])
  const quorum = entries.find(({ type }) => type === 'quorum')
  return {
    now,
    quorate: (status.cluster?.quorate ?? true) && (quorum?.quorate ?? true),
    online,
    services,
    running,
    tasks,
  }
}

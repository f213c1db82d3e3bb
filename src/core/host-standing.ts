import type { ProxmoxPort } from './ports.ts'

/** How a node stands in its cluster, as another member sees it. */
export interface Standing {
  online: boolean
  /** The cluster, as whoever answered sees it. */
  quorate: boolean
  /** Votes that are there, and all. */
  votes: number
  expected: number
  /** Seconds on its own clock; absent while it does not answer. */
  bootedAt?: number
  /** Who said so; absent when nobody answers. */
  seenBy?: string
}

/**
 * Asks another member about a node, and the node itself when it is online. On a lone host silence counts as being off; in
 * a cluster it is no answer, and the call fails.
 */
export async function standingOf(proxmox: ProxmoxPort, node: string, lone = false): Promise<Standing> {
  const status = await proxmox.clusterStatus({ avoid: [node] }).catch((error: unknown) => {
    if (lone) return undefined
    throw error
  })
  if (!status) return { online: false, quorate: false, votes: 0, expected: 1 }
  const votes = await proxmox.votes({ avoid: [node] }).catch(() => [])
  const worth = (name: string) => votes.find((one) => one.name === name)?.votes ?? 1
  const online = status.members.some((one) => one.name === node && one.online)
  const seenBy = status.members.find(({ local }) => local)?.name
  const itself = online ? await bootOf(proxmox, node) : undefined
  return {
    online: online && itself !== undefined,
    quorate: status.cluster?.quorate ?? true,
    votes: status.members.filter((one) => one.online).reduce((sum, { name }) => sum + worth(name), 0),
    expected: status.members.reduce((sum, { name }) => sum + worth(name), 0),
    ...(itself === undefined ? {} : { bootedAt: itself }),
    ...(seenBy === undefined ? {} : { seenBy }),
  }
}

/** A member that corosync counts and whose interface is silent is on its way, up or down. */
async function bootOf(proxmox: ProxmoxPort, node: string): Promise<number | undefined> {
  const asked = Promise.all([proxmox.hostStatus(node), proxmox.nodeTime(node)])
  return asked.then(([{ uptime }, now]) => now - uptime).catch(() => undefined)
}

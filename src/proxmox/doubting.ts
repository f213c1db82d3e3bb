import type { CallOptions, Proxmox } from './port.ts'

/** What is asked of the whole cluster, and what a node that is cut off answers from its memory. */
const views = [
  'clusterStatus',
  'votes',
  'resources',
  'haStatus',
  'managerStatus',
  'haResources',
  'haRules',
  'haGroups',
  'clusterOptions',
  'storageConfig',
  'clusterTasks',
] as const

/** So long a node is taken to be as it was found. */
const holdsMs = 2_000

/**
 * The same client, which asks another node where the one that answers has no quorum: cut off, it would show guests where
 * they were and call the others offline. Where no node has quorum, the answer stands as it is. One request more in two
 * seconds.
 */
export function doubting(proxmox: Proxmox, now: () => number): Proxmox {
  let found: { at: number; avoid: Promise<readonly string[]> } | undefined

  const cutOff = (): Promise<readonly string[]> => {
    if (!found || now() - found.at >= holdsMs) {
      // Whoever asks for the cluster next is told what is wrong with it.
      found = { at: now(), avoid: look().catch(() => []) }
    }
    return found.avoid
  }

  async function look(): Promise<string[]> {
    const first = await proxmox.clusterStatus()
    if (first.cluster?.quorate !== false) return []
    const here = first.members.filter(({ local }) => local).map(({ name }) => name)
    const second = await proxmox.clusterStatus({ avoid: here })
    return second.cluster?.quorate ? here : []
  }

  const asked = Object.fromEntries(
    views.map((view) => {
      const ask = proxmox[view].bind(proxmox) as (o?: CallOptions) => Promise<unknown>
      return [view, async (o?: CallOptions) => ask(o?.avoid || o?.prefer ? o : { ...o, avoid: await cutOff() })]
    }),
  ) as Pick<Proxmox, (typeof views)[number]>
  return { ...proxmox, ...asked }
}

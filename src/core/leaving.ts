import { Refused } from './errors.ts'
import type { ProxmoxPort } from './ports.ts'

/** Who says that a node is away, and what is left when it is taken out. */
export interface Leaving {
  cluster: string
  /** The two members that see it offline. */
  witnesses: [string, string]
  /** Votes that remain, all of them. */
  votes: number
  /** Storages that are limited to it: they stay in the configuration, for no node. */
  storages: string[]
}

type Options = { signal?: AbortSignal }

/** Everything that speaks against taking a node out of its cluster for good. Throws `Refused`. */
export async function lookAtLeaving(proxmox: ProxmoxPort, node: string, o: Options = {}): Promise<Leaving> {
  const { cluster, witnesses, online } = await seenOffline(proxmox, node, o)
  const votes = (await proxmox.votes({ ...o, avoid: [node] })).filter(({ name }) => name !== node)
  const all = votes.reduce((sum, each) => sum + each.votes, 0)
  const here = votes.filter(({ name }) => online.includes(name)).reduce((sum, each) => sum + each.votes, 0)
  if (here * 2 <= all) throw new Refused('leave-no-majority', { node, cluster, here, all })
  await refuseWhatIsLeft(proxmox, node, o)
  const storages = (await proxmox.storageConfig(o)).filter(({ nodes }) => nodes?.length === 1 && nodes[0] === node)
  return { cluster, witnesses, votes: all, storages: storages.map(({ storage }) => storage) }
}

/** One member cut off calls all others offline, so two must say the same. */
async function seenOffline(proxmox: Pick<ProxmoxPort, 'clusterStatus'>, node: string, o: Options) {
  const look = async (avoid: string[]) => {
    const { cluster, members } = await proxmox.clusterStatus({ ...o, avoid })
    const by = members.find(({ local }) => local)?.name ?? ''
    if (!cluster) throw new Refused('no-own-cluster', { node: by })
    const nodes = members.map(({ name }) => name)
    if (!nodes.includes(node)) {
      throw new Refused('unknown-node', { given: node, cluster: cluster.name, nodes: nodes.join(', ') })
    }
    if (members.some((one) => one.name === node && one.online)) {
      throw new Refused('leave-online', { node, by, cluster: cluster.name })
    }
    if (!cluster.quorate) throw new Refused('no-quorum', { cluster: cluster.name })
    return { cluster: cluster.name, by, online: members.filter(({ online }) => online).map(({ name }) => name) }
  }
  const first = await look([node])
  const second = await look([node, first.by])
  if (second.by === first.by) throw new Refused('leave-one-witness', { node, by: first.by, cluster: first.cluster })
  const witnesses: [string, string] = [first.by, second.by]
  return { ...first, witnesses }
}

async function refuseWhatIsLeft(proxmox: ProxmoxPort, node: string, o: Options): Promise<void> {
  const { haRules, haGroups } = await proxmox.capabilities()
  const [{ guests }, rules, groups, plans, ceph, qdevice] = await Promise.all([
    proxmox.resources(o),
    haRules ? proxmox.haRules(o) : [],
    haGroups ? proxmox.haGroups(o) : [],
    proxmox.replicationPlans(o),
    proxmox.cephNodes(o),
    proxmox.qdevice(o),
  ])
  const list = (names: (string | number)[]) => names.join(', ')
  const held = guests.filter((guest) => guest.node === node).map(({ vmid }) => vmid)
  if (held.length > 0) throw new Refused('leave-guests', { node, guests: list(held), first: held[0] })
  const named = (nodes: { node: string }[]) => nodes.some((ranked) => ranked.node === node)
  const inRules = [
    ...rules.filter(({ nodes }) => named(nodes)).map(({ rule }) => rule),
    ...groups.filter(({ nodes }) => named(nodes)).map(({ group }) => group),
  ]
  if (inRules.length > 0) throw new Refused('leave-ha', { node, rules: list(inRules), first: inRules[0] })
  const replicated = plans.filter(({ target }) => target === node).map(({ id }) => id)
  if (replicated.length > 0)
    throw new Refused('leave-replication', { node, jobs: list(replicated), first: replicated[0] })
  if (ceph.includes(node)) throw new Refused('leave-ceph', { node })
  if (qdevice.state !== undefined) throw new Refused('leave-qdevice', { node })
}

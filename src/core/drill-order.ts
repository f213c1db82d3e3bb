import { Refused } from './errors.ts'
import { findNode } from './find.ts'
import { findSection } from './find-section.ts'
import type { ProxmoxPort } from './ports.ts'

/** What a drill takes: a node, or a storage from it. */
interface Taken {
  node: string
  storage?: string | undefined
}

/** As it is called on cards: `pve1`, `Storage @ pve1`. */
export const victimOf = ({ node, storage }: Taken): string => (storage === undefined ? node : `${storage} @ ${node}`)

interface Ordered {
  kind: string
  storage?: string | undefined
  accept?: readonly string[]
  expectsNothing?: boolean
}

/** Its kind and all that goes with it, as one types it: `shutdown accept:db`, `storage storage:Storage`. */
export const whatOf = ({ kind, storage, accept = [], expectsNothing = false }: Ordered): string =>
  [
    kind,
    ...(storage === undefined ? [] : [`storage:${storage}`]),
    ...(accept.length === 0 ? [] : [`accept:${accept.join(',')}`]),
    ...(expectsNothing ? ['expect:nothing'] : []),
  ].join(' ')

/** The same with the names accepted that a gate waits for. */
export function accepting<Order extends Ordered>(
  order: Order,
  gates: readonly { accept?: readonly string[] }[],
): Order {
  const names = gates.flatMap(({ accept = [] }) => accept)
  return names.length === 0 ? order : { ...order, accept: names }
}

/** A storage cut wants its storage, and nothing else takes one. */
export const drillWants = ({ kind }: Readonly<Record<string, string>>) =>
  kind === 'storage' ? { must: ['storage'] as const, never: [] } : { must: [], never: ['storage'] as const }

interface Typed<Kind extends string> extends Taken {
  kind: Kind
  accept?: string | undefined
  expect: 'moves' | 'nothing'
}

/**
 * A drill as it was typed, with its node and storage as the cluster spells them.
 * @throws Refused `unknown-node`, `node-offline`, `no-storage`, `no-storage-near`, `storage-of-kind`
 */
export async function orderOf<Kind extends string>(
  proxmox: Pick<ProxmoxPort, 'storageConfig'>,
  { kind, accept, expect, ...typed }: Typed<Kind>,
  {
    nodes,
    cluster,
    signal,
  }: { nodes: readonly { name: string; status: string }[]; cluster: string; signal: AbortSignal },
) {
  const node = findNode(nodes, typed.node, cluster).name
  const accepted = accept?.split(/[\s,;]+/).filter(Boolean) ?? []
  const order = { node, kind, accept: accepted, expectsNothing: expect === 'nothing' }
  if (kind !== 'storage') {
    if (typed.storage !== undefined) throw new Refused('storage-of-kind', { node, kind, storage: typed.storage })
    return order
  }
  const { storage } = findSection(await proxmox.storageConfig({ signal }), typed.storage ?? '', cluster)
  return { ...order, storage }
}

/** The same at a shell: what nobody here does outside the lab. */
export function shellOf(
  { node, kind, storage }: Taken & { kind: string },
  sections: Awaited<ReturnType<ProxmoxPort['storageConfig']>>,
): string[] {
  if (storage === undefined) return [...shellByKind(node, kind), 'ha-manager status']
  const section = sections.find((one) => one.storage === storage)
  const array = sections.find((one) => section?.options.base?.startsWith(`${one.storage}:`))
  const server = section?.options.server ?? (section?.options.portal ?? array?.options.portal)?.replace(/:\d+$/, '')
  const rule = (what: '-I' | '-D') => (server ? [`iptables ${what} OUTPUT -d ${server} -j DROP   # on ${node}`] : [])
  return [...rule('-I'), `pvesm status --storage ${storage}   # on ${node}`, 'ha-manager status', ...rule('-D')]
}

function shellByKind(node: string, kind: string): string[] {
  if (kind === 'power') return [`ipmitool -I lanplus -H BMC -U USER -a chassis power off   # the controller of ${node}`]
  if (kind === 'network') return [`ip link set NIC down   # at the console of ${node}, each link of corosync`]
  return [`pvesh create /nodes/${node}/status --command ${kind === 'reboot' ? kind : 'shutdown'}`]
}

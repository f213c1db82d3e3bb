import { Refused } from './errors.ts'
import { near } from './near.ts'

interface Named {
  vmid: number
  name: string
}

/**
 * The guest that a person means by its VMID, `vm:100`, or its name.
 * @throws Refused `unknown-guest`, `unknown-guest-near`, `ambiguous-guest`
 */
export function findGuest<G extends Named>(guests: readonly G[], given: string, cluster: string): G {
  const number = /^(?:(?:vm|ct):)?(\d+)$/i.exec(given.trim())?.[1]
  const found =
    number === undefined
      ? guests.filter(({ name }) => name.toLowerCase() === given.trim().toLowerCase())
      : guests.filter(({ vmid }) => vmid === Number(number))
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new Refused('ambiguous-guest', {
      given,
      vmids: found.map(({ vmid }) => vmid).join(', '),
      first: found[0]!.vmid,
    })
  }
  const close = near(given, guests.map(({ name }) => name).filter(Boolean))
  if (close.length > 0) throw new Refused('unknown-guest-near', { given, cluster, near: close.join(', ') })
  throw new Refused('unknown-guest', { given, cluster })
}

/**
 * The node of that name, whether it is online or not.
 * @throws Refused `unknown-node`
 */
export function findAnyNode<N extends { name: string }>(nodes: readonly N[], given: string, cluster: string): N {
  const node = nodes.find(({ name }) => name.toLowerCase() === given.trim().toLowerCase())
  if (!node) throw new Refused('unknown-node', { given, cluster, nodes: nodes.map(({ name }) => name).join(', ') })
  return node
}

/**
 * The node of that name, to do something on it.
 * @throws Refused `unknown-node`, `node-offline`
 */
export function findNode<N extends { name: string; status: string }>(
  nodes: readonly N[],
  given: string,
  cluster: string,
): N {
  const node = findAnyNode(nodes, given, cluster)
  if (node.status !== 'online') throw new Refused('node-offline', { node: node.name })
  return node
}

/** Storages as their nodes see them now: what a node last said before it went offline is not believed. */
export function seenNow<S extends { node: string; status: 'available' | 'unknown' }>(
  storages: readonly S[],
  nodes: readonly { name: string; status: string }[],
): S[] {
  const online = new Set(nodes.filter(({ status }) => status === 'online').map(({ name }) => name))
  return storages.map((storage) => (online.has(storage.node) ? storage : { ...storage, status: 'unknown' }))
}

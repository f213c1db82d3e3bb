import { seenNow } from './find.ts'
import type { ProxmoxPort } from './ports.ts'

/** Storages whose work is done in the memory of the host itself. */
const ownWork = new Set(['zfspool', 'zfs', 'rbd', 'cephfs'])

/**
 * Everything that can be measured of the hosts, asked side by side; what one of them does not say is absent. `clocks`:
 * node → its time, in two rounds, since waiting for an answer falsifies one.
 * @param closely this node's disks are asked for their health too
 */
export async function readHosts(
  proxmox: ProxmoxPort,
  closely: string | undefined,
  signal: AbortSignal,
  wanted: { clocks: boolean } = { clocks: true },
) {
  const [{ nodes, guests, storages }, { members }, corosync] = await Promise.all([
    proxmox.resources({ signal }),
    proxmox.clusterStatus({ signal }),
    quietly(proxmox.corosyncNodes({ signal })),
  ])
  const online = nodes.filter(({ status }) => status === 'online').map(({ name }) => name)
  const places = wanted.clocks ? online.map((node) => ({ node, proxmox })) : []
  const clocks = await clockRounds(places, signal)
  const measured = await Promise.all(online.map((name) => measure(proxmox, name, name === closely, own(signal))))
  const seen = seenNow(storages, nodes)
  const hosts = nodes.map(({ name }) => {
    const running = guests.filter((guest) => guest.node === name && guest.status === 'running')
    const served = seen.filter((one) => one.node === name && one.status === 'available' && ownWork.has(one.type))
    const address = members.find((member) => member.name === name)?.ip
    return {
      name,
      online: online.includes(name),
      served: served.reduce((sum, { total = 0 }) => sum + total, 0),
      promised: running.reduce((sum, { maxMemory }) => sum + maxMemory, 0),
      ...(address === undefined ? {} : { address }),
      ...measured[online.indexOf(name)],
    }
  })
  return { hosts, clocks, ...(corosync && corosync.length > 0 ? { corosync } : {}) }
}

async function measure(proxmox: ProxmoxPort, node: string, closely: boolean, signal: AbortSignal) {
  const [status, disks, network, cards, repositories, subscription] = await Promise.all([
    quietly(proxmox.hostStatus(node, { signal })),
    quietly(proxmox.hostDisks(node, closely, { signal })),
    quietly(proxmox.hostNetwork(node, { signal })),
    quietly(proxmox.hostCards(node, { signal })),
    quietly(proxmox.repositories(node, { signal })),
    quietly(proxmox.subscription(node, { signal })),
  ])
  return {
    ...(status && { status }),
    ...(disks && { disks }),
    ...(network && { interfaces: network.interfaces }),
    ...(cards && { cards }),
    ...(repositories && { repositories }),
    ...(subscription !== undefined && { subscription }),
  }
}

interface Place {
  node: string
  proxmox: Pick<ProxmoxPort, 'nodeTime'>
}

/** Node → its time, of all of them at the same moment, twice. */
export const clockRounds = async (places: readonly Place[], signal: AbortSignal) => [
  await times(places, signal),
  await times(places, signal),
]

async function times(places: readonly Place[], signal: AbortSignal) {
  const told = await Promise.all(
    places.map(({ node, proxmox }) => quietly(proxmox.nodeTime(node, { signal: own(signal) }))),
  )
  return Object.fromEntries(places.flatMap(({ node }, i) => (told[i] === undefined ? [] : [[node, told[i]]])))
}

/** So many calls at once would all listen to the one. */
const own = (signal: AbortSignal) => AbortSignal.any([signal])

const quietly = <T>(look: Promise<T>): Promise<T | undefined> => look.catch(() => undefined)

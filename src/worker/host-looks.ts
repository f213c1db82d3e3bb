import { clockRounds, readHosts } from '../core/hosts.ts'
import type { LoneLook } from '../core/house.ts'
import type { ProxmoxPort } from '../core/ports.ts'
import type { HostFacts } from '../ha/host-check.ts'
import type { RootAccess } from '../proxmox/cluster-port.ts'

const withinMs = 2200

/**
 * Measures hosts that are in no cluster, each by its own interface as root, and reads all clocks together, those of the
 * cluster's nodes too: only times that were told at the same moment can be compared.
 */
export function hostLooker(root: RootAccess, clusters: { get(name: string): ProxmoxPort }) {
  return async (cluster: string, names: readonly string[]): Promise<LoneLook> => {
    const signal = AbortSignal.timeout(withinMs)
    const open = names.filter((host) => root.knows({ host })).map((host) => ({ host, client: root.open({ host }) }))
    try {
      const measured = await Promise.all(open.map(({ host, client }) => measure(host, client, signal)))
      const reached = open.filter((_, i) => measured[i]!.lone === 'seen')
      const members = await namesIn(clusters.get(cluster), signal)
      const places = [
        ...reached.map(({ host, client }) => ({ node: host, proxmox: client as ProxmoxPort })),
        ...members.map((node) => ({ node, proxmox: clusters.get(cluster) })),
      ]
      const unknown = names.filter((host) => !open.some((one) => one.host === host))
      const closed = unknown.map((name) => ({ name, online: false, lone: 'password', served: 0, promised: 0 }))
      return { hosts: [...measured, ...closed], clocks: await clockRounds(places, signal) }
    } finally {
      await Promise.all(open.map(({ client }) => client.close().catch(() => {})))
    }
  }
}

const namesIn = (proxmox: ProxmoxPort, signal: AbortSignal): Promise<string[]> =>
  proxmox.resources({ signal }).then(
    ({ nodes }) => nodes.filter(({ status }) => status === 'online').map(({ name }) => name),
    () => [],
  )

async function measure(
  host: string,
  client: ProxmoxPort & Pick<ReturnType<RootAccess['open']>, 'logIn'>,
  signal: AbortSignal,
): Promise<HostFacts> {
  const nothing = { name: host, online: false, served: 0, promised: 0 }
  try {
    // Side by side: they wait for one login, and whoever typed waits for all of it.
    const reading = readHosts(client, undefined, signal, { clocks: false }).catch(() => undefined)
    if ((await client.logIn({ signal })) !== 'in') return { ...nothing, lone: 'password' }
    const hosts = (await reading)?.hosts ?? []
    const own = hosts.find(({ name }) => name === host) ?? hosts[0]
    return own ? { ...own, name: host, lone: 'seen' } : { ...nothing, lone: 'silent' }
  } catch {
    return { ...nothing, lone: 'silent' }
  }
}

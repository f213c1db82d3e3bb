import { Refused } from '../core/errors.ts'
import type { Clusters, Proxmox } from './port.ts'

/** Hands out the clients of the configured clusters, in the order given. */
export function createClusters<P extends Proxmox>(clients: readonly P[]): Clusters<P> {
  const byName = new Map(clients.map((client) => [client.cluster, client]))
  const names = [...byName.keys()]
  return {
    names,
    get(cluster) {
      const client = byName.get(cluster)
      if (!client)
        throw new Refused('unknown-cluster', { given: cluster, clusters: names.join(', '), first: names[0] ?? '' })
      return client
    },
  }
}

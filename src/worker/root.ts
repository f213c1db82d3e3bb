import { trustOf } from '../app.ts'
import type { Config } from '../config.ts'
import { Refused } from '../core/errors.ts'
import type { Secret } from '../core/secret.ts'
import { lookAtCertificate } from '../proxmox/certificate.ts'
import { createProxmoxRoot } from '../proxmox/client.ts'
import type { RootAccess, RootPlace } from '../proxmox/cluster-port.ts'

const lookWithinMs = 3000

/** root@pam on the hosts and clusters of a configuration: what `quorum worker --root` holds beside the tokens. */
export function openRoot({ clusters, hosts }: Pick<Config, 'clusters' | 'hosts'>): RootAccess {
  const hostOf = (name: string) => {
    const host = hosts.find((one) => one.name === name)
    if (host) return host
    throw new Refused('unknown-host', { given: name, hosts: hosts.map((one) => one.name).join(', ') })
  }
  const clusterOf = (name: string) => clusters.find((one) => one.name === name)

  const password = (place: RootPlace): Secret | undefined => {
    const ofHost = hosts.find(({ name }) => name === place.host)?.password
    const ofCluster = place.cluster === undefined ? undefined : clusterOf(place.cluster)?.root?.password
    return ofHost ?? ofCluster
  }

  function reached(place: RootPlace) {
    const cluster = place.cluster === undefined ? undefined : clusterOf(place.cluster)
    const known = hosts.some(({ name }) => name === place.host)
    if (cluster && !known) return { cluster: cluster.name, endpoints: cluster.endpoints, tls: trustOf(cluster) }
    const { endpoint, tls } = hostOf(place.host)
    // A node of the cluster shows a certificate of the cluster's, whatever it had when it was alone.
    const trusted = cluster?.endpoints.includes(endpoint) ? cluster : { tls }
    return { cluster: place.host, endpoints: [endpoint], tls: trustOf(trusted) }
  }

  return {
    isPinned: (name) => (clusterOf(name)?.tls.fingerprints ?? []).length > 0,
    knows: (place) => password(place) !== undefined,
    password,
    open(place, given) {
      const held = given ?? password(place)
      if (!held) throw new Error(`nobody has given root's password of ${JSON.stringify(place)}`)
      return createProxmoxRoot({ ...reached(place), auth: { root: { password: held } } })
    },
    async shows(host, fingerprint) {
      const { endpoint } = hostOf(host)
      const look = await lookAtCertificate(endpoint, { fingerprints: [fingerprint] }, lookWithinMs)
      return look.kind === 'trusted'
    },
  }
}

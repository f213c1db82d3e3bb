import { trustOf } from '../app.ts'
import type { Config } from '../config.ts'
import type { AccessTokens, ProxmoxAccess } from '../proxmox/access-port.ts'
import { createProxmoxAccess } from '../proxmox/client.ts'

/** The tokens for managing access: what a worker holds beside the acting ones, and nobody else. */
export function openAccess({ clusters }: Pick<Config, 'clusters'>): AccessTokens & { close(): Promise<void> } {
  const opened = new Map<string, ProxmoxAccess>()
  for (const { name, endpoints, tokens, tls } of clusters) {
    if (!tokens.access) continue
    const auth = { token: tokens.access }
    opened.set(name, createProxmoxAccess({ cluster: name, endpoints, auth, tls: trustOf({ tls }) }))
  }
  return {
    get: (cluster) => opened.get(cluster),
    own(cluster) {
      const tokens = clusters.find(({ name }) => name === cluster)?.tokens ?? {}
      return [tokens.read, tokens.act, tokens.access].flatMap((token) => token?.id ?? [])
    },
    close: async () => void (await Promise.all([...opened.values()].map((client) => client.close()))),
  }
}

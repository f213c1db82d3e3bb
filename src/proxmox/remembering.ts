import type { Proxmox } from './port.ts'

/** The same client, whose lists may be `ageMs` old: for completion while typing, where every key would be a request. */
export function remembering(proxmox: Proxmox, ageMs: number, now: () => number): Proxmox {
  const kept = new Map<string, { at: number; value: Promise<unknown> }>()
  const once = <T>(key: string, ask: () => Promise<T>): Promise<T> => {
    const known = kept.get(key)
    if (known && now() - known.at < ageMs) return known.value as Promise<T>
    const value = ask()
    kept.set(key, { at: now(), value })
    value.catch(() => kept.delete(key))
    return value
  }
  return {
    ...proxmox,
    resources: () => once('resources', () => proxmox.resources()),
    storageContents: (node, storage, content) =>
      once(`${node} ${storage} ${content}`, () => proxmox.storageContents(node, storage, content)),
  }
}

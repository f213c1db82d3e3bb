import { Refused } from './errors.ts'
import { near } from './near.ts'

/**
 * The section of storage.cfg that a person means.
 * @throws Refused `no-storage`, `no-storage-near`
 */
export function findSection<S extends { storage: string }>(config: readonly S[], given: string, cluster: string): S {
  const found = config.find(({ storage }) => storage.toLowerCase() === given.trim().toLowerCase())
  if (found) return found
  const names = config.map(({ storage }) => storage).sort()
  const close = near(given, names)
  if (close.length > 0) throw new Refused('no-storage-near', { given, cluster, near: close.join(', ') })
  throw new Refused('no-storage', { given, cluster, storages: names.join(', ') })
}

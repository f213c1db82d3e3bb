/** The locks under /etc/pve/priv/lock: whoever does not renew his for two minutes has lost it. */

export const LOCK_SECONDS = 120

interface Held {
  owner: string
  renewedAt: number
}

export interface Locks {
  /** `since`: from when on the asker has watched the locks; he must have seen one unrenewed for its whole time. */
  take(name: string, owner: string, now: number, since?: number): boolean
  release(name: string, owner: string): void
  holder(name: string): string | undefined
}

export function createLocks(): Locks {
  const held = new Map<string, Held>()
  return {
    take(name, owner, now, since = Number.NEGATIVE_INFINITY) {
      const lock = held.get(name)
      if (lock && lock.owner !== owner && now - Math.max(lock.renewedAt, since) <= LOCK_SECONDS) return false
      held.set(name, { owner, renewedAt: now })
      return true
    },
    release(name, owner) {
      if (held.get(name)?.owner === owner) held.delete(name)
    },
    holder: (name) => held.get(name)?.owner,
  }
}

import { Refused } from './errors.ts'
import type { ProxmoxPort } from './ports.ts'

/** What a look through a directory would do, as its task's log tells it line by line. */
export interface RealmChanges {
  /** `user maria@school`, `group teachers-school`. */
  adds: string[]
  removes: string[]
  /** Whose entries in the access control list go too. */
  purges: string[]
  overwrites: string[]
  /** Users and groups that are there and stay. */
  keeps: number
}

const lines: [RegExp, (changes: RealmChanges, what: string) => void][] = [
  [/^adding (user|group) '(.+)'$/, ({ adds }, what) => void adds.push(what)],
  [/^remov(?:e|ing) (user|group) '(.+)'$/, ({ removes }, what) => void removes.push(what)],
  [/^purge (user|group)s? '(.+)' ACL entries$/, ({ purges }, what) => void purges.push(what)],
  [/^overwriting (user|group) '(.+)'$/, ({ overwrites }, what) => void overwrites.push(what)],
  [
    /^updating (user|group) '(.+)'$/,
    (changes) => {
      changes.keeps += 1
    },
  ],
]

export function changesIn(log: readonly string[]): RealmChanges {
  const changes: RealmChanges = { adds: [], removes: [], purges: [], overwrites: [], keeps: 0 }
  for (const line of log) {
    for (const [pattern, take] of lines) {
      const match = pattern.exec(line.trim())
      if (match) take(changes, `${match[1]} ${match[2]}`)
    }
  }
  return changes
}

/**
 * A short name of what would change, to be typed back by whoever has seen it: the same changes have the same name, others
 * hardly ever. What only stays is not in it.
 */
export function changesName({ adds, removes, purges, overwrites }: RealmChanges): string {
  const text = JSON.stringify([adds, removes, purges, overwrites].map((list) => [...list].sort()))
  // FNV-1a, twice from different ends: it tells two looks apart, and need not withstand anybody.
  const hash = (characters: string) => {
    let value = 0x811c9dc5
    for (const character of characters) value = Math.imul(value ^ character.codePointAt(0)!, 0x01000193)
    return (value >>> 0).toString(36)
  }
  return `${hash(text)}${hash([...text].reverse().join(''))}`.slice(0, 10)
}

type Realm = Awaited<ReturnType<ProxmoxPort['accessRealms']>>[number]

/**
 * A realm that has accounts to look through.
 * @throws Refused `unknown-realm`, `realm-kind`
 */
export function findDirectory(given: string, realms: readonly Realm[]): Realm {
  const found = realms.find(({ realm }) => realm === given.trim())
  if (!found) throw new Refused('unknown-realm', { given, realms: realms.map(({ realm }) => realm).join(', ') })
  if (found.type !== 'ad' && found.type !== 'ldap') {
    throw new Refused('realm-kind', { realm: found.realm, type: found.type })
  }
  return found
}

/** What a sync of a realm is asked for. `remove`: who is gone from the directory goes here too, with their rights. */
export function syncParams(
  wanted: { remove: boolean; enable: boolean; dry: boolean },
  { major, minor }: { major: number; minor: number },
): Record<string, string | boolean> {
  const knowsNone = major > 7 || (major === 7 && minor >= 3)
  const vanished = wanted.remove ? 'entry;acl' : knowsNone ? 'none' : undefined
  return {
    scope: 'both',
    'enable-new': wanted.enable,
    ...(vanished === undefined ? {} : { 'remove-vanished': vanished }),
    ...(wanted.dry ? { 'dry-run': true } : {}),
  }
}

/** The cause in a line of the directory's, where it is one that people can act on. */
export function directoryTrouble(line: string): 'realm-login' | 'realm-silent' | undefined {
  if (/invalid credentials|LDAP_INVALID_CREDENTIALS|data 52e|bind failed/i.test(line)) return 'realm-login'
  if (/unable to connect|connect(?:ion)? (?:failed|refused|timed out)|no route to host|can't contact/i.test(line)) {
    return 'realm-silent'
  }
  return undefined
}

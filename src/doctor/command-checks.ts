import type { Catalogue, Entry } from '../core/catalogue.ts'
import { everyPrivilege, type Need, needsOf, privilegesByPath, type TokenKind } from '../core/needs.ts'
import type { Look } from './cluster-checks.ts'
import { grantLines } from './grant.ts'
import { collectionOf, type Held, held, type TokenRights } from './rights.ts'
import type { Found, Say } from './speaking.ts'

export interface Looks {
  read: Look
  act: Look
  access: Look
  /** Whether a process that may log in as root@pam has reported. */
  root: boolean
  /** Of the Proxmox VE there. */
  major: number
}

/** For every command: what it needs of which token, and the lines that give it what is missing. */
export function commandChecks(catalogue: Catalogue, looks: Looks, say: Say): Found[] {
  const entries = catalogue.entries.filter(({ path, file }) => path === file)
  const all = (kind: TokenKind) => everyPrivilege(catalogue, kind, looks.major)
  return entries.map((entry) => commandCheck(entry, needsOf(entry, catalogue), looks, all, say))
}

interface Shortfall {
  verdict: 'fail' | 'warn' | 'unknown'
  found: string
  next: readonly string[]
}

function commandCheck(
  { path: what }: Entry,
  needs: Record<TokenKind, readonly Need[]>,
  looks: Looks,
  all: (kind: TokenKind) => readonly string[],
  say: Say,
): Found {
  const shortfalls = [
    ...tokenShortfalls('read', needs.read, looks, all, say),
    ...tokenShortfalls('act', needs.act, looks, all, say),
    ...tokenShortfalls('access', needs.access, looks, all, say),
    ...rootShortfalls(needs.act, looks.root, say),
  ]
  if (shortfalls.length === 0) {
    const privileges = listed([...needs.read, ...needs.act, ...needs.access], looks.major)
    return { what, verdict: 'pass', found: privileges ? say('commandPass', { privileges }) : say('commandNothing') }
  }
  const verdict = (['fail', 'warn', 'unknown'] as const).find((one) => shortfalls.some((s) => s.verdict === one))!
  return {
    what,
    verdict,
    found: shortfalls.map(({ found }) => found).join('; '),
    next: [...new Set(shortfalls.flatMap(({ next }) => next))],
  }
}

const listed = (needs: readonly Need[], major: number): string =>
  [...new Set(privilegesByPath(needs, major).flatMap(({ privileges }) => privileges))].sort().join(', ')

const theToken = { read: 'theReading', act: 'theActing', access: 'theAccess' } as const

function tokenShortfalls(
  kind: TokenKind,
  needs: readonly Need[],
  looks: Looks,
  all: (kind: TokenKind) => readonly string[],
  say: Say,
): Shortfall[] {
  const look = looks[kind]
  const privileges = listed(needs, looks.major)
  if (privileges === '') return []
  if (typeof look === 'string' || !('permissions' in look)) {
    const token = typeof look === 'string' ? say(theToken[kind]) : look.token
    return [{ verdict: 'unknown', found: say('commandUnknown', { privileges, token }), next: [] }]
  }
  return privilegesByPath(needs, looks.major).flatMap(({ path, privileges }) =>
    lacking(look, path, privileges).map(({ privilege, state }) => ({
      verdict: state === 'nowhere' ? ('fail' as const) : ('warn' as const),
      found:
        state === 'nowhere'
          ? say('commandMissing', { token: look.token, privilege, path: collectionOf(path) })
          : say('commandPartly', { token: look.token, privilege, only: state.only.slice(0, 5).join(', ') }),
      next: grantLines(look, { path, privileges: [privilege] }, kind, all(kind)),
    })),
  )
}

function lacking(look: TokenRights, path: string, privileges: readonly string[]) {
  return privileges.flatMap((privilege) => {
    const state: Held = held(look.permissions, path, privilege)
    return state === 'everywhere' ? [] : [{ privilege, state }]
  })
}

function rootShortfalls(needs: readonly Need[], has: boolean, say: Say): Shortfall[] {
  if (has) return []
  return needs.flatMap((need) =>
    'rootOnly' in need
      ? [
          {
            verdict: 'unknown' as const,
            found: `${say('commandRoot', { call: need.rootOnly })}; ${say('rootUnknown')}`,
            next: [say('rootStart')],
          },
        ]
      : [],
  )
}

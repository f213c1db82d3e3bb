import type { Catalogue, Entry } from './catalogue.ts'
import type { JobRequest, Worker } from './worker.ts'

/**
 * What Proxmox asks for before it takes a call: privileges on a path of its access control (`/vms/{vmid}`, all of them),
 * or root@pam in person, for the calls that it refuses to every token.
 */
export type Need =
  | {
      readonly path: string
      readonly privileges: readonly string[]
      /** The major version that brought them; older ones refuse a role that names them. */
      readonly since?: number
      /** Asked of the token for managing access, not of the acting one. */
      readonly token?: 'access'
    }
  | { readonly rootOnly: `${'GET' | 'POST' | 'PUT' | 'DELETE'} /${string}` }

/** What plans read, by what they look at. `GET /cluster/resources` leaves out silently what the token may not see. */
export const reads = {
  guests: { path: '/vms/{vmid}', privileges: ['VM.Audit'] },
  nodes: { path: '/nodes/{node}', privileges: ['Sys.Audit'] },
  storages: { path: '/storage/{storage}', privileges: ['Datastore.Audit'] },
  /** Quorum, votes, HA. */
  cluster: { path: '/', privileges: ['Sys.Audit'] },
} as const satisfies Record<string, Need>

/** Every job dates its effects by the node's clock and reads back what it did. */
export const everyJob: readonly Need[] = [reads.guests, reads.nodes]

/**
 * Whether a job calls what is root@pam's alone: only a process with root's password may take it. One that is made of parts
 * is root's when a part is, so what its signed payload holds decides, and nothing beside it.
 */
export const isForRoot = ({ worker, payload }: JobRequest): boolean =>
  worker.parts ? worker.parts(payload).some(isForRoot) : (worker.needs?.some((need) => 'rootOnly' in need) ?? false)

/** Whether a worker's jobs change who may do what, with the token that is for this alone. */
export const isForAccess = ({ needs }: Pick<Worker, 'needs'>): boolean => needs?.some(ofAccess) ?? false

const ofAccess = (need: Need): boolean => 'path' in need && need.token === 'access'

/** The workers that a command hands its jobs to, as it and its examples (which are tests) say. */
export function workersOf({ command }: Entry, catalogue: Catalogue): Pick<Worker, 'needs'>[] {
  const names = new Set(command.examples.flatMap(({ plans }) => plans ?? []))
  return [...(command.workers ?? []), ...[...names].flatMap((name) => catalogue.worker(name) ?? [])]
}

export type TokenKind = 'read' | 'act' | 'access'

/** What a command needs of each token: the reading one for its plan, the acting one for its jobs, one for access. */
export function needsOf(entry: Entry, catalogue: Catalogue): Record<TokenKind, readonly Need[]> {
  const workers = workersOf(entry, catalogue)
  const asked = workers.flatMap(({ needs }) => needs ?? [])
  return {
    read: entry.command.needs ?? [],
    act: workers.length === 0 ? [] : [...everyJob, ...asked.filter((need) => !ofAccess(need))],
    access: asked.filter(ofAccess),
  }
}

/** Each path once, with all the privileges that Proxmox VE `major` asks for on it; both sorted. */
export function privilegesByPath(needs: readonly Need[], major: number): { path: string; privileges: string[] }[] {
  const paths = new Map<string, Set<string>>()
  for (const need of needs) {
    if ('rootOnly' in need || (need.since ?? 0) > major) continue
    const wanted = paths.get(need.path) ?? new Set()
    for (const privilege of need.privileges) wanted.add(privilege)
    paths.set(need.path, wanted)
  }
  return [...paths]
    .map(([path, privileges]) => ({ path, privileges: [...privileges].sort() }))
    .sort((a, b) => a.path.localeCompare(b.path))
}

/** What a role for one of the tokens must hold so that every command works. */
export function everyPrivilege(catalogue: Catalogue, kind: TokenKind, major: number): string[] {
  const needs = catalogue.entries.flatMap((entry) => needsOf(entry, catalogue)[kind])
  return [...new Set(privilegesByPath(needs, major).flatMap(({ privileges }) => privileges))].sort()
}

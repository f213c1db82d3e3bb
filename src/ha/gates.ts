import type { DrillMeans } from '../core/drills.ts'
import type { Impact, LossKind, Site } from './impact.ts'

export const gateCodes = [
  'quorum',
  'margin',
  'armed',
  'lrm',
  'in-error',
  'busy',
  'jobs',
  'policy',
  'moves-nothing',
  'not-ha',
  'acpi',
  'drives',
  'memory',
  'lives',
  'means',
  'restore',
  'master',
  'incidents',
  'lab',
  'shared',
  'reached',
  'used',
  'read',
  'stalls',
  'goes-with',
  'seen',
] as const
export type GateCode = (typeof gateCodes)[number]

/** One thing that must be so before something is broken on purpose. `fail`: not before it is mended. */
export interface Gate {
  code: GateCode
  verdict: 'pass' | 'warn' | 'fail'
  /** What is meant, where it is not as wanted. */
  about: string
  /** The names that open it, where naming opens it. */
  accept?: string[]
}

export interface GateFacts {
  kind: LossKind
  site: Site
  impact: Impact
  /** As HA's own entry has it: `active`, `idle`, `old timestamp - dead?`; undefined: no entry. */
  lrm: string | undefined
  hasServices: boolean
  /** Proxmox tasks that run: backups, replication, migrations. */
  tasks: readonly string[]
  /** Jobs of ours that run or wait. */
  jobs: readonly string[]
  /** Guests that are not under HA, run on the node, and were accepted by name. */
  accepted: readonly string[]
  lives: readonly string[]
  means: DrillMeans
  incidents: readonly string[]
  /** That nothing moves is what is to be shown. */
  expectsNothing: boolean
}

/** Looks at everything that must be so; each of them passes, warns or fails. */
export function gatesOf(facts: GateFacts): Gate[] {
  const { kind, site, impact, means, lives } = facts
  const { node, after, fates } = impact
  const errors = site.managed.filter(({ state }) => state === 'error').map(({ sid }) => sid)
  const alone = fates.filter(({ code }) => code === 'not-ha' || code === 'not-ha-boots')
  const moving = fates.filter(({ outcome }) => outcome === 'moves' || outcome === 'migrates' || outcome === 'relocates')
  const stuck = fates.filter(
    ({ code }) => code === 'storage' || code === 'cdrom' || code === 'local-disk' || code === 'passthrough',
  )
  const deaf = site.guests.filter((guest) => guest.node === node && guest.running && guest.listens === false)
  const isGraceful = kind === 'shutdown' || kind === 'reboot'
  return [
    gate('quorum', 'fail', !site.quorate || !after.quorate),
    gate('margin', 'warn', after.quorate && after.margin === 0),
    gate('armed', 'fail', site.disarmed),
    gate('lrm', 'fail', facts.hasServices && facts.lrm !== 'active' ? [facts.lrm ?? '?'] : []),
    gate('in-error', 'fail', errors),
    gate('busy', 'fail', facts.tasks),
    gate('jobs', 'fail', facts.jobs),
    gate('incidents', 'warn', facts.incidents),
    ...(kind === 'migrate' ? [gate('policy', 'fail', site.policy === 'migrate' ? [] : [site.policy])] : []),
    ...(moving.length === 0 && facts.expectsNothing ? [] : [gate('moves-nothing', 'fail', moving.length === 0)]),
    byName('not-ha', alone, facts.accepted),
    ...(isGraceful ? [gate('acpi', 'warn', named(deaf))] : []),
    gate('drives', 'fail', named(stuck)),
    gate('memory', 'warn', named(fates.filter(({ tight }) => tight))),
    gate('lives', 'fail', lives),
    ...(kind === 'power' ? [gate('means', 'fail', !means.power)] : []),
    ...(kind === 'network' ? [gate('lab', 'fail', !means.network)] : []),
    ...(kind === 'reboot' ? [] : [gate('restore', 'warn', means.restore === 'person')]),
    gate('master', 'warn', impact.isMaster),
  ]
}

/** What is wrong, where something is; a list is told. */
export function gate(code: GateCode, bad: 'warn' | 'fail', about: readonly string[] | boolean): Gate {
  const isBad = typeof about === 'boolean' ? about : about.length > 0
  return { code, verdict: isBad ? bad : 'pass', about: typeof about === 'boolean' ? '' : about.join(', ') }
}

/** Closed until each of these is accepted by name; what is accepted already is named again, so that it can be pasted. */
export function byName(
  code: GateCode,
  all: readonly { name: string; sid: string }[],
  accepted: readonly string[],
): Gate {
  const one = gate(code, 'fail', named(all.filter(({ sid, name }) => !isNamed(accepted, sid, name))))
  return one.verdict === 'pass' ? one : { ...one, accept: all.map(({ name }) => name) }
}

export const named = (all: readonly { name: string; sid: string }[]) => all.map(({ name, sid }) => `${name} (${sid})`)

export const isNamed = (accepted: readonly string[], sid: string, name: string) =>
  accepted.some((one) => [sid, sid.slice(sid.indexOf(':') + 1), name.toLowerCase()].includes(one.toLowerCase()))

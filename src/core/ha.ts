import { Refused } from './errors.ts'
import { findGuest } from './find.ts'
import type { ProxmoxPort } from './ports.ts'

type Reads<K extends keyof ProxmoxPort> = ProxmoxPort[K] extends (...of: never) => Promise<infer R> ? R : never

/** High availability as a cluster has it now: what is configured, and what its manager says. */
export interface HaSite extends Reads<'resources'> {
  entries: Reads<'haStatus'>
  /** Absent when it could not be read. */
  manager?: Reads<'managerStatus'>
  managed: Reads<'haResources'>
  /** Since Proxmox VE 9. */
  rules?: Reads<'haRules'>
  /** Before. */
  groups?: Reads<'haGroups'>
}

/** Five requests, at once, however many guests there are. */
export async function readHa(proxmox: ProxmoxPort, signal: AbortSignal): Promise<HaSite> {
  const { haRules } = await proxmox.capabilities({ signal })
  const [resources, entries, manager, managed, affinities] = await Promise.all([
    proxmox.resources({ signal }),
    proxmox.haStatus({ signal }),
    proxmox.managerStatus({ signal }).catch(() => undefined),
    proxmox.haResources({ signal }),
    haRules
      ? proxmox.haRules({ signal }).then((rules) => ({ rules }))
      : proxmox.haGroups({ signal }).then((groups) => ({ groups })),
  ])
  return { ...resources, entries, managed, ...affinities, ...(manager ? { manager } : {}) }
}

/** As HA names a guest. */
export const sidOf = ({ kind, vmid }: { kind: 'qemu' | 'lxc'; vmid: number }): string =>
  `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`

/** `100` of `vm:100`. */
export const numberOf = (sid: string): number => Number(sid.slice(sid.indexOf(':') + 1))

/**
 * The guest under HA that a person means; also one that is gone and is under HA still.
 * @throws Refused as `findGuest`; `ha-not-under`
 */
export function findManaged(site: HaSite, given: string, cluster: string) {
  const typed = given.trim().toLowerCase()
  const orphan = site.managed.find(({ sid }) => sid === typed || String(numberOf(sid)) === typed)
  const guest = orphan
    ? site.guests.find(({ vmid }) => vmid === numberOf(orphan.sid))
    : findGuest(site.guests, given, cluster)
  const sid = orphan?.sid ?? sidOf(guest!)
  const resource = orphan ?? site.managed.find((one) => one.sid === sid)
  const name = guest?.name || String(numberOf(sid))
  if (!resource) throw new Refused('ha-not-under', { name, guest: numberOf(sid) })
  return { sid, name, vmid: numberOf(sid), resource, ...(guest ? { guest } : {}) }
}

/** @throws Refused `no-quorum`: without it nothing of this can be changed */
export function refuseWithoutQuorum({ entries }: Pick<HaSite, 'entries'>, cluster: string): void {
  const quorum = entries.find(({ type }) => type === 'quorum')
  if (quorum && !quorum.quorate) throw new Refused('no-quorum', { cluster })
}

/** A node that is online, to date a job by. */
export const someNode = ({ nodes }: Pick<HaSite, 'nodes'>): string =>
  nodes.find(({ status }) => status === 'online')?.name ?? nodes[0]?.name ?? ''

/** What drives a machine has that some nodes cannot reach: by storage, those of `nodes` that do not have it. */
export function unreachable(
  drives: readonly { key: string; storage?: string; cdrom: boolean }[],
  storages: Reads<'storageConfig'>,
  nodes: readonly string[],
): { key: string; storage: string; cdrom: boolean; local: boolean; lacking: string[] }[] {
  return drives.flatMap(({ key, storage, cdrom }) => {
    if (storage === undefined) return []
    const config = storages.find((one) => one.storage === storage)
    const local = config !== undefined && !config.shared
    const lacking = nodes.filter((node) => !config || config.disabled || (config.nodes && !config.nodes.includes(node)))
    return local || lacking.length > 0 ? [{ key, storage, cdrom, local, lacking }] : []
  })
}

/** Rules have names as Proxmox wants its ids to be. @throws Refused `ha-bad-name` */
export function ruleName(given: string): string {
  const name = given.trim()
  if (!/^[a-z][\w-]{1,63}$/i.test(name)) throw new Refused('ha-bad-name', { given: name })
  return name
}

/** The first of several things that are wrong. @throws Refused with its code */
export function refuseFirst(conflicts: readonly { code: string; values: Record<string, string | number> }[]): void {
  const [first] = conflicts
  if (first) throw new Refused(first.code, first.values)
}

/** The guests that a text names, by number or name, under HA or not. @throws Refused as `findGuest` */
export const guestsNamed = (site: Pick<HaSite, 'guests'>, text: string, cluster: string) => [
  ...new Map(
    text
      .split(/[\s,;]+/)
      .filter(Boolean)
      .map((given) => findGuest(site.guests, given, cluster))
      .map((guest) => [guest.vmid, guest]),
  ).values(),
]

/** What a decision about HA rests on: any other configuration needs a new decision. */
export const haDecidedOn = ({ managed, rules, groups }: HaSite) => ({
  managed: managed.map(({ digest, ...one }) => one),
  rules: (rules ?? []).map(({ digest, ...one }) => one),
  groups: (groups ?? []).map(({ digest, ...one }) => one),
})

/** What keeps the manager from acting on a wish now, by word: told with the plan. */
export function standingBy({ entries }: Pick<HaSite, 'entries'>): 'disarmed' | 'disarming' | undefined {
  const state = entries.find(({ type }) => type === 'fencing')?.armedState
  return state === 'disarmed' || state === 'disarming' ? state : undefined
}

import type { Target } from './message.ts'

export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]
/** What a command asks for: a role, or nothing (`help`, `whoami`: also people without any role must find their way). */
export type Needed = Role | 'anyone'

/** `slack:U1`, `discord:42`, `web:ana`: who spoke, as the platform knows them; never a display name. */
export type Identity = string

/** Whether a holder of `held` may do what `needed` asks for; without a role, only what asks for none. */
export const holds = (held: Role | undefined, needed: Needed): boolean =>
  needed === 'anyone' || (held !== undefined && roles.indexOf(held) >= roles.indexOf(needed))

/** Where something is asked: roles are given per cluster, channel and pool. */
export interface Place {
  cluster?: string | undefined
  channel: Target
  /** The pools of what is acted on; a grant that is limited to pools must have them all. */
  pools?: readonly (string | undefined)[] | undefined
}

/** One line of the configuration: these people have this role in these places (absent = everywhere). */
export interface Grant {
  role: Role
  /** Identities, group identities (`slack:group:S1`, `discord:role:9`), `web:*`, or names of `people`. */
  who: readonly string[]
  clusters?: readonly string[] | undefined
  channels?: readonly string[] | undefined
  pools?: readonly string[] | undefined
}

export interface Person {
  name: string
  ids: readonly Identity[]
  language?: 'en' | 'es' | undefined
  tz?: string | undefined
}

/** Which groups an identity is in right now, as group identities; asked of the platform and cached by the adapter. */
export interface Membership {
  /** `slack:group:S1`, `discord:role:9`, and `slack:*`, `discord:*`, `web:*` for full members. */
  groupsOf(identity: Identity): Promise<readonly string[]>
}

/** Who may do what. Deny by default: without a matching grant there is no role. */
export class Access {
  readonly #grants: readonly Grant[]
  readonly #people: readonly Person[]
  readonly #membership: Membership

  constructor(grants: readonly Grant[], people: readonly Person[], membership: Membership) {
    this.#grants = grants
    this.#people = people
    this.#membership = membership
  }

  /** The human behind an identity, if the configuration knows one. */
  person(identity: Identity): Person | undefined {
    return this.#people.find(({ ids }) => ids.includes(identity))
  }

  /** The same human, or the same identity. Two accounts of one person are one person. */
  samePerson(a: Identity, b: Identity): boolean {
    if (a === b) return true
    const person = this.person(a)
    return person?.ids.includes(b) ?? false
  }

  async #namesOf(identity: Identity): Promise<ReadonlySet<string>> {
    const names = new Set<string>([identity, ...(await this.#membership.groupsOf(identity))])
    const person = this.person(identity)
    return person ? names.add(person.name) : names
  }

  /** The highest role that `identity` holds at `place`. */
  async roleOf(identity: Identity, place: Place): Promise<Role | undefined> {
    const names = await this.#namesOf(identity)
    const held = this.#grants
      .filter((grant) => grant.who.some((who) => names.has(who)) && covers(grant, place))
      .map(({ role }) => role)
    return roles.findLast((role) => held.includes(role))
  }

  /** Whether anybody's role is limited to pools: only then it matters where a guest lies. */
  get knowsPools(): boolean {
    return this.#grants.some(({ pools }) => pools !== undefined)
  }

  /** The pools in which `identity` holds at least `role` at `place` by grants that are limited to them. */
  async poolsOf(identity: Identity, place: Place, role: Needed): Promise<string[]> {
    if (!this.knowsPools) return []
    const names = await this.#namesOf(identity)
    const pools = this.#grants.flatMap((grant) => {
      const reaches = holds(grant.role, role) && covers({ ...grant, pools: undefined }, place)
      return reaches && grant.who.some((who) => names.has(who)) ? (grant.pools ?? []) : []
    })
    return [...new Set(pools)]
  }

  /** Who holds at least `role` at `place`, as the configuration names them; all of them, or all but one human. */
  whoMay(role: Needed, place: Place, but?: Identity): string[] {
    const names = this.#grants.filter((grant) => holds(grant.role, role) && covers(grant, place)).flatMap((g) => g.who)
    const person = but === undefined ? undefined : this.person(but)
    const own = new Set([but, person?.name, ...(person?.ids ?? [])])
    return [...new Set(names)].filter((name) => !own.has(name))
  }
}

function covers(grant: Grant, place: Place): boolean {
  const within = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value))
  // A grant limited to clusters still lets its holder ask what concerns no cluster (help, whoami).
  const cluster = place.cluster === undefined ? true : within(grant.clusters, place.cluster)
  return (
    cluster && within(grant.channels, place.channel) && (grant.pools === undefined || reaches(grant.pools, place.pools))
  )
}

const reaches = (granted: readonly string[], pools: Place['pools']): boolean =>
  pools !== undefined && pools.length > 0 && pools.every((pool) => pool !== undefined && granted.includes(pool))

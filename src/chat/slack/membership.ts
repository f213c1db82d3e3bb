import type { webApi } from '@slack/bolt'
import type { Identity, Membership } from '../../core/roles.ts'
import type { Condition } from './condition.ts'
import { failureOf } from './condition.ts'

/** An answer of Slack's is believed this long. */
const freshMs = 2 * 60_000
/** While Slack does not answer, an older one is. */
const staleMs = 10 * 60_000
const localeFreshMs = 60 * 60_000
/** A locale is never waited for longer than an acknowledgement allows. */
const localeWithinMs = 500

interface Member {
  /** Of our workspace, and neither a guest, a bot nor gone. */
  isFull: boolean
  locale: string | undefined
}

/** Our own workspace, bot user and bot, as ids. */
export interface Self {
  team: string
  user: string
  bot: string | undefined
}

interface Known<T> {
  value: T
  at: number
}

export interface SlackMembershipOptions {
  client: webApi.WebClient
  condition: Condition
  /** Which groups the configuration names: what it does not is never asked for, so that its scope is not needed. */
  names: { members: boolean; groups: boolean }
  now: () => number
  log: { warn(about: object, text: string): void }
}

/**
 * The groups of a Slack identity, `slack:group:S1` and `slack:*`. Only full members of the workspace that the app is
 * installed in have any: no guests, no people of other workspaces in shared channels, no bots, nobody deactivated.
 * When Slack cannot be asked, nobody gains a group.
 */
export class SlackMembership implements Membership {
  readonly #o: SlackMembershipOptions
  readonly #members = new Map<string, Known<Member | undefined>>()
  readonly #asking = new Map<string, Promise<unknown>>()
  #groups: Known<ReadonlyMap<string, readonly string[]>> | undefined
  #self: Self | undefined

  constructor(options: SlackMembershipOptions) {
    this.#o = options
  }

  async groupsOf(identity: Identity): Promise<readonly string[]> {
    const user = /^slack:([UW][A-Z0-9]+)$/.exec(identity)?.[1]
    const { members, groups } = this.#o.names
    if (user === undefined || !(members || groups)) return []
    const member = await this.#member(user, freshMs)
    if (!member?.isFull) return []
    const all = groups ? await this.#userGroups() : new Map<string, readonly string[]>()
    const own = [...all].filter(([, users]) => users.includes(user)).map(([group]) => `slack:group:${group}`)
    return ['slack:*', ...own]
  }

  /** The language tag of a person's Slack, as a list of none or one. */
  async localesOf(user: string): Promise<string[]> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), localeWithinMs)
    })
    const member = await Promise.race([this.#member(user, localeFreshMs), late])
    clearTimeout(timer)
    return member?.locale === undefined ? [] : [member.locale]
  }

  /** Who we are to Slack; undefined until it has told us once. */
  get self(): Self | undefined {
    return this.#self
  }

  async askSelf(): Promise<Self> {
    if (this.#self) return this.#self
    const { client, condition } = this.#o
    const { team_id, user_id, bot_id } = await condition.watch('auth.test', undefined, () => client.auth.test())
    this.#self = { team: team_id!, user: user_id!, bot: bot_id }
    return this.#self
  }

  async #member(user: string, believedMs: number): Promise<Member | undefined> {
    const known = this.#members.get(user)
    if (known && this.#o.now() - known.at < believedMs) return known.value
    return this.#once(
      user,
      known,
      () => this.#askMember(user),
      (value) => {
        this.#members.set(user, { value, at: this.#o.now() })
      },
    )
  }

  async #userGroups(): Promise<ReadonlyMap<string, readonly string[]>> {
    const known = this.#groups
    if (known && this.#o.now() - known.at < freshMs) return known.value
    const groups = await this.#once(
      'groups',
      known,
      () => this.#askGroups(),
      (value) => {
        this.#groups = { value, at: this.#o.now() }
      },
    )
    return groups ?? new Map()
  }

  /** Asks once for all who wait; falls back on what is known and not too old. */
  async #once<T>(
    name: string,
    known: Known<T> | undefined,
    ask: () => Promise<T>,
    keep: (value: T) => void,
  ): Promise<T | undefined> {
    const asking = (this.#asking.get(name) as Promise<T> | undefined) ?? ask()
    this.#asking.set(name, asking)
    try {
      const value = await asking
      keep(value)
      return value
    } catch (error) {
      this.#o.log.warn({ error: (error as Error).message }, 'Slack does not say who its members are')
      return known && this.#o.now() - known.at < staleMs ? known.value : undefined
    } finally {
      this.#asking.delete(name)
    }
  }

  async #askMember(user: string): Promise<Member | undefined> {
    const { client, condition } = this.#o
    try {
      const [{ team }, reply] = await Promise.all([
        this.askSelf(),
        condition.watch('users.info', undefined, () => client.users.info({ user, include_locale: true })),
      ])
      const about = reply.user
      if (!about) return undefined
      const outside = about.team_id !== team || about.is_stranger === true || about.is_restricted === true
      const isFull = !outside && !about.is_ultra_restricted && !about.is_bot && !about.deleted && user !== 'USLACKBOT'
      return { isFull, locale: about.locale }
    } catch (error) {
      if (['user_not_found', 'user_not_visible'].includes(failureOf(error).code ?? '')) return undefined
      throw error
    }
  }

  async #askGroups(): Promise<ReadonlyMap<string, readonly string[]>> {
    const { client, condition } = this.#o
    const { usergroups = [] } = await condition.watch('usergroups.list', undefined, () =>
      client.usergroups.list({ include_users: true }),
    )
    return new Map(usergroups.map(({ id, users }) => [id ?? '', users ?? []]))
  }
}

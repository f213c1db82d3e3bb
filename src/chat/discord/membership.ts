import { type REST, Routes } from 'discord.js'
import type { Identity } from '../../core/roles.ts'
import { Code, isCode } from './errors.ts'

/** What Discord says of a member that matters here. */
export interface Member {
  roles: readonly string[]
  /** Has not agreed to the server's rules yet. */
  pending: boolean
  isBot: boolean
  /** Came by a guest invite to a voice channel, and leaves with it. */
  isGuest: boolean
}

const guestFlag = 1 << 4

/** An answer of Discord's is believed this long. */
const freshMs = 60_000
/** While Discord does not answer, an older one is. */
const staleMs = 10 * 60_000

export interface MembershipOptions {
  rest: Pick<REST, 'get'>
  guilds: readonly string[]
  now: () => number
  log: { warn(about: object, text: string): void }
}

interface Known {
  member: Member | undefined
  at: number
}

/**
 * The groups of a Discord identity, `discord:role:9` and `discord:*`, in the servers of the configuration: asked one
 * member at a time (no privileged intent), remembered for a minute, and refreshed by each interaction. Bots have none;
 * who is pending or a guest is not `discord:*`. When Discord cannot be asked, nobody gains a group.
 */
export class DiscordMembership {
  readonly #rest: Pick<REST, 'get'>
  readonly #guilds: readonly string[]
  readonly #now: () => number
  readonly #log: { warn(about: object, text: string): void }
  readonly #known = new Map<string, Known>()

  constructor(options: MembershipOptions) {
    this.#rest = options.rest
    this.#guilds = options.guilds
    this.#now = options.now
    this.#log = options.log
  }

  async groupsOf(identity: Identity): Promise<readonly string[]> {
    const user = /^discord:(\d+)$/.exec(identity)?.[1]
    if (user === undefined) return []
    const members = await Promise.all(this.#guilds.map((guild) => this.#member(guild, user)))
    return [...new Set(members.flatMap((member) => (member ? groups(member) : [])))]
  }

  /** An interaction tells who its person is; nothing need be asked then. */
  heard(guild: string, user: string, member: Member): void {
    if (!this.#guilds.includes(guild)) return
    for (const [key, { at }] of this.#known) if (this.#now() - at > staleMs) this.#known.delete(key)
    this.#known.set(`${guild} ${user}`, { member, at: this.#now() })
  }

  async #member(guild: string, user: string): Promise<Member | undefined> {
    const key = `${guild} ${user}`
    const known = this.#known.get(key)
    const age = known === undefined ? Number.POSITIVE_INFINITY : this.#now() - known.at
    if (known && age < freshMs) return known.member
    try {
      const member = await this.#ask(guild, user)
      this.#known.set(key, { member, at: this.#now() })
      return member
    } catch (error) {
      this.#log.warn({ server: guild, error: (error as Error).message }, 'Discord does not say who a member is')
      return known && age < staleMs ? known.member : undefined
    }
  }

  async #ask(guild: string, user: string): Promise<Member | undefined> {
    try {
      const raw = (await this.#rest.get(Routes.guildMember(guild, user))) as {
        roles: string[]
        pending?: boolean
        flags?: number
        user?: { bot?: boolean }
      }
      const { roles, pending = false, flags = 0 } = raw
      return { roles, pending, isBot: raw.user?.bot === true, isGuest: (flags & guestFlag) !== 0 }
    } catch (error) {
      if (isCode(error, Code.unknownMember, Code.unknownUser)) return undefined
      throw error
    }
  }
}

function groups({ roles, pending, isBot, isGuest }: Member): string[] {
  if (isBot) return []
  return [...roles.map((role) => `discord:role:${role}`), ...(pending || isGuest ? [] : ['discord:*'])]
}

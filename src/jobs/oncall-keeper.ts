import { incidentCard, type Reader, titleOf } from '../core/incident-card.ts'
import type { Incident, Incidents } from '../core/incidents.ts'
import { fill } from '../core/language.ts'
import type { Oncall, OncallPlan, Swap, Window } from '../core/oncall.ts'
import type { Outbox } from '../core/outbox.ts'
import type { Identity } from '../core/roles.ts'
import type { Post } from './incident-cards.ts'
import type { CardStore } from './outbox.ts'
import { pause } from './pause.ts'
import type { Redis } from './redis.ts'
import type { Seal } from './seal.ts'

interface Page {
  id: string
  means: 'person' | 'channel'
  person?: string
  dueAt: number
}

interface Context {
  now: number
  plan: OncallPlan
  swaps: readonly Swap[]
  windows: readonly Window[]
}

interface Options {
  redis: Redis
  prefix: string
  seal: Seal
  incidents: Incidents
  oncall: Oncall
  outbox: Outbox
  cards: CardStore
  /** The pure part, from `src/ha`. */
  pagesDue(incident: Incident, context: Context): Page[]
  /** A person's accounts, the one to try first first; empty: nobody knows how to reach them. */
  reach(person: string): { ids: readonly Identity[]; reader: Reader }
  posts(cluster: string): readonly Post[]
  /** Lets the pager catch up with this incident; does nothing where it has. */
  pager?: ((incident: Incident, context: Context) => Promise<void>) | undefined
  now(): number
  log: { error(about: object, text: string): void }
}

/** A message to a person whose delivery is not proven yet. */
interface Pending {
  incident: string
  page: string
  person: string
  at: number
  /** So many of the person's accounts have been tried. */
  tried: number
  failed?: true
}

const tickMs = 1000
/** A platform that has not taken the message by then is held to be down, and the person's next one is used. */
const proofWithinMs = 30_000
const giveUpMs = 24 * 3600_000
const keepSeconds = 30 * 24 * 3600
/** What was over for so long is told nowhere any more. */
const aftermathMs = 24 * 3600_000
const mostAtOnce = 200

/**
 * Calls whoever is on call, in every worker: whom and when follows from the incident and the clock alone, and each message
 * has a key made of incident, damage, step and person. So whoever is killed leaves nothing out, and two do nothing twice.
 */
export class OncallKeeper {
  readonly #o: Options
  readonly #stop = new AbortController()
  readonly #watched = new Map<string, Incident>()
  #seq = 0
  #done: Promise<void> | undefined

  constructor(options: Options) {
    this.#o = options
  }

  start(): this {
    this.#done ??= this.#ticking()
    return this
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #ticking(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.tick().catch((error) => {
        if (!this.#stop.signal.aborted) this.#o.log.error({ err: error }, 'on call')
      })
      await pause(tickMs, this.#stop.signal)
    }
  }

  /** Does all that is due now. */
  async tick(): Promise<void> {
    await this.#follow()
    const { oncall, now, pager, log } = this.#o
    const [swaps, windows] = await Promise.all([oncall.swaps(), oncall.windows()])
    const context = { now: now(), plan: oncall.plan, swaps, windows }
    for (const incident of this.#watched.values()) {
      try {
        await pager?.(incident, context)
        for (const page of this.#o.pagesDue(incident, context)) await this.#send(page, incident)
      } catch (error) {
        // One that cannot be told must not keep the others from being told.
        log.error({ incident: incident.id, err: error }, 'on call')
      }
    }
    await this.#prove()
  }

  /** Takes in what has changed, and shows it on the messages that people have of it. */
  async #follow(): Promise<void> {
    const { incidents, now } = this.#o
    for (;;) {
      const { seq, incidents: some } = await incidents.changed(this.#seq, mostAtOnce)
      for (const incident of some) {
        const isOld = incident.resolved !== undefined && now() - Date.parse(incident.resolved.at) > aftermathMs
        if (isOld) this.#watched.delete(incident.id)
        else {
          await this.#refresh(incident)
          this.#watched.set(incident.id, incident)
        }
      }
      if (seq === this.#seq) return
      this.#seq = seq
    }
  }

  #key = (name: string) => `${this.#o.prefix}:oncall:${name}`

  async #refresh(incident: Incident): Promise<void> {
    const all = await this.#o.redis.hgetall(this.#key(`shown:${incident.id}`))
    for (const [key, sealed] of Object.entries(all)) {
      const to = this.#o.seal.unwrap<{ person: string; identity: Identity }>('oncall-shown', key, sealed)
      if (to) await this.#show(key, to, incident)
    }
  }

  async #show(key: string, { person, identity }: { person: string; identity: Identity }, incident: Incident) {
    const { reader } = this.#o.reach(person)
    const message = incidentCard(incident, reader)
    await this.#o.outbox.put({ key, target: identity, message, order: incident.version, language: reader.language })
  }

  async #send(page: Page, incident: Incident): Promise<void> {
    const { redis, now } = this.#o
    const done = this.#key(`paged:${incident.id}`)
    if ((await redis.sismember(done, page.id)) === 1) return
    if (page.means === 'channel') await this.#tellChannels(page, incident)
    else {
      const pending = { incident: incident.id, page: page.id, person: page.person!, at: now(), tried: 0 }
      await this.#try(pending, incident)
    }
    await redis.multi().sadd(done, page.id).expire(done, keepSeconds).exec()
  }

  async #tellChannels(page: Page, incident: Incident): Promise<void> {
    for (const { target, reader } of this.#o.posts(incident.cluster)) {
      const title = fill(reader.words.incidents.unanswered, { title: titleOf(incident, reader) })
      const state = incident.severity === 'critical' ? 'failed' : 'warning'
      const key = `${page.id}.${target.replace(':', '.')}`
      await this.#o.outbox.put({ key, target, message: { title, state, incident: incident.id }, order: 0 })
    }
  }

  /** Sends to the person's next account and waits for the proof; without one, says that they were not told. */
  async #try(pending: Pending, incident: Incident): Promise<void> {
    const { redis, seal, reach } = this.#o
    const identity = reach(pending.person).ids[pending.tried]
    if (identity === undefined) return this.#fail(pending)
    const key = keyOf(pending.page, identity)
    const next = { ...pending, tried: pending.tried + 1 }
    const shown = this.#key(`shown:${incident.id}`)
    await redis.hset(shown, key, seal.wrap('oncall-shown', key, { person: pending.person, identity }))
    await redis.expire(shown, keepSeconds)
    await this.#show(key, { person: pending.person, identity }, incident)
    await this.#keep(next)
  }

  async #keep(pending: Pending): Promise<void> {
    const { redis, seal } = this.#o
    await redis.hset(this.#key('pending'), pending.page, seal.wrap('oncall-pending', pending.page, pending))
  }

  async #fail(pending: Pending): Promise<void> {
    const { incidents } = this.#o
    const { page, person, incident, tried } = pending
    if (pending.failed) return
    await incidents.tell(incident, { how: 'person', to: person, result: 'failed', once: `${page}.failed` })
    if (tried > 0) await this.#keep({ ...pending, failed: true })
  }

  async #prove(): Promise<void> {
    const { redis, seal, now } = this.#o
    for (const [page, raw] of Object.entries(await redis.hgetall(this.#key('pending')))) {
      const pending = seal.unwrap<Pending>('oncall-pending', page, raw)
      const isSettled = !pending || now() - pending.at > giveUpMs || (await this.#proven(pending))
      if (isSettled) await redis.hdel(this.#key('pending'), page)
      else if (now() - pending.at >= proofWithinMs * pending.tried) await this.#tryOther(pending)
    }
  }

  async #tryOther(pending: Pending): Promise<void> {
    const incident = await this.#o.incidents.get(pending.incident)
    if (incident?.state === 'open') await this.#try(pending, incident)
  }

  async #proven({ page, person, tried, incident }: Pending): Promise<boolean> {
    for (const identity of this.#o.reach(person).ids.slice(0, tried)) {
      const card = await this.#o.cards.get(keyOf(page, identity))
      if (!card?.posted) continue
      const to = `${person} (${identity.split(':')[0]})`
      await this.#o.incidents.tell(incident, { how: 'person', to, result: 'delivered', once: `${page}.delivered` })
      return true
    }
    return false
  }
}

const keyOf = (page: string, identity: Identity) => `${page}.${identity.replace(':', '.')}`

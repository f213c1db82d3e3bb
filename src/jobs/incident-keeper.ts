import type { WriteAudit } from '../core/audit.ts'
import type { Incident } from '../core/incidents.ts'
import type { Window } from '../core/oncall.ts'
import type { Outbox } from '../core/outbox.ts'
import type { ClusterEvent } from '../ha/event.ts'
import type { SeenGuest } from '../ha/incident.ts'
import type { ClusterView } from '../ha/view.ts'
import { type Post, showIncident } from './incident-cards.ts'
import type { IncidentStore } from './incident-store.ts'
import { pause } from './pause.ts'

/** The pure part, from `src/ha`. */
export interface IncidentRules {
  take(
    before: readonly Incident[],
    events: readonly ClusterEvent[],
    guests: readonly SeenGuest[] | undefined,
    windows: readonly Window[],
  ): Incident[]
  pass(incident: Incident, sight: Sight): Incident
  wantsLook(incident: Incident): boolean
}

interface Sight {
  now: number
  staleSince?: string | undefined
  seenAt?: string | undefined
  guests?: readonly SeenGuest[] | undefined
  windows?: readonly Window[] | undefined
}

/** What the watcher has written. */
export interface Events {
  read(after: number, most?: number): Promise<{ cursor: number; event: ClusterEvent }[]>
  wait(after: number, signal: AbortSignal): Promise<void>
  kept(): Promise<{ last: number }>
  lastPolledAt(): Promise<number | undefined>
  view(): Promise<ClusterView | undefined>
}

interface Options {
  cluster: string
  store: IncidentStore
  events: Events
  rules: IncidentRules
  outbox: Outbox
  posts: readonly Post[]
  /** Work that was announced. */
  windows(): Promise<readonly Window[]>
  audit: WriteAudit
  /** The guests as a node with quorum shows them; undefined: it cannot be said. */
  look(signal: AbortSignal): Promise<readonly SeenGuest[] | undefined>
  pollMs: number
  now(): number
  log: { warn(about: object, text: string): void; error(about: object, text: string): void }
}

const mostAtOnce = 500
const tickMs = 1000
/** A look at the guests is one request; nothing waits for it longer. */
const lookWithinMs = 1500
const lookEveryMs = 10_000
/** What is known of the guests is kept this fresh, and is taken for true so long. */
const freshenEveryMs = 20_000
const oldMs = 3 * 60_000
const freshenWithinMs = 20_000
/** What another process has stored is its to show, unless it does not. */
const leftAloneMs = 5000
/** A view without quorum for less than this is doubt, not darkness. */
const doubtMs = 6000
const quietWatcherMs = 30_000

/**
 * Turns what the watcher saw into incidents, in every worker: each step is stored with how far the events were read, so
 * that of several workers one wins, and one that is killed leaves nothing half done and repeats nothing.
 */
export class IncidentKeeper {
  readonly #o: Options
  readonly #stop = new AbortController()
  #done: Promise<unknown> | undefined
  #lookedAt = Number.NEGATIVE_INFINITY
  #known: { at: number; guests: readonly SeenGuest[] } | undefined

  constructor(options: Options) {
    this.#o = options
  }

  start(): this {
    this.#done ??= Promise.all([this.#reading(), this.#ticking()])
    return this
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #reading(): Promise<void> {
    const { events, store, cluster } = this.#o
    await this.#each(async () => {
      const { cursor } = await store.place(cluster)
      await events.wait(cursor, this.#stop.signal)
      if (!this.#stop.signal.aborted) await this.read()
    })
  }

  async #ticking(): Promise<void> {
    await this.#each(async () => {
      await this.tick()
      await pause(tickMs, this.#stop.signal)
    })
  }

  async #each(work: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await work()
      } catch (error) {
        if (this.#stop.signal.aborted) return
        this.#o.log.error({ cluster: this.#o.cluster, err: error }, 'incidents')
        await pause(tickMs, this.#stop.signal)
      }
    }
  }

  /** Takes in what has happened since it was read last. */
  async read(): Promise<void> {
    const { store, events, rules, cluster, now } = this.#o
    for (;;) {
      const place = await store.place(cluster)
      if (place.forged) {
        await this.#startAnew(place)
        continue
      }
      const some = await events.read(place.cursor, mostAtOnce)
      if (some.length === 0) return
      const told = some.map(({ event }) => event)
      const guests = await this.#lookFor(told)
      let before = await store.live(cluster)
      const windows = await this.#o.windows()
      let after = rules.take(before, told, guests, windows)
      // What is new here may be old: a place that was lost is read again.
      const known = await store.some(after.filter(({ version }) => version === 1).map(({ id }) => id))
      if (known.length > 0) {
        before = [...before, ...known]
        after = rules.take(before, told, guests, windows)
      }
      const to = some.at(-1)!.cursor
      // Another worker is at it.
      if (!(await this.#commit(before, after, { from: place, to }))) await pause(20, this.#stop.signal)
      await store.settle(cluster, before, now())
    }
  }

  /** Somebody wrote the place where reading goes on: nothing that they chose is read. */
  async #startAnew(place: Awaited<ReturnType<IncidentStore['place']>>): Promise<void> {
    const { store, events, cluster, now, audit } = this.#o
    await audit({ kind: 'forged', cluster, result: 'forged-incident-cursor' })
    await store.commit(cluster, [], now(), { from: place, to: (await events.kept()).last })
  }

  /** What time has made of them, and what was left unshown. */
  async tick(): Promise<void> {
    const { store, rules, cluster, now } = this.#o
    if (this.#isTimeToLook(this.#known ? freshenEveryMs : lookEveryMs)) void this.#look(freshenWithinMs)
    const before = await store.live(cluster)
    if (before.length > 0) {
      const sight = { ...(await this.#sight(before)), windows: await this.#o.windows() }
      const after = before.map((incident) => rules.pass(incident, sight)).filter((one, i) => one !== before[i])
      for (const one of after) await this.#commit(before, [one])
      await store.settle(cluster, before, now())
    }
    for (const id of await store.due(now() - leftAloneMs)) await this.#showAgain(id)
  }

  async #commit(
    before: readonly Incident[],
    after: readonly Incident[],
    read?: Parameters<IncidentStore['commit']>[3],
  ) {
    const { store, cluster, posts, outbox, now } = this.#o
    const changes = after.map((one) => ({ before: before.find(({ id }) => id === one.id), after: one }))
    // Somebody else was faster: they have done it.
    if (!(await store.commit(cluster, changes, now(), read))) return false
    for (const one of after) await showIncident(one, posts, outbox, store)
    return true
  }

  async #showAgain(id: string): Promise<void> {
    const { store, cluster, posts, outbox } = this.#o
    const incident = await store.get(id)
    if (!incident) return store.drop(id)
    if (incident.cluster === cluster) await showIncident(incident, posts, outbox, store)
  }

  async #sight(live: readonly Incident[]): Promise<Sight> {
    const { events, now, pollMs, rules } = this.#o
    const [view, polled] = await Promise.all([events.view(), events.lastPolledAt()])
    const at = now()
    const isSilent = polled !== undefined && at - polled > Math.max(quietWatcherMs, pollMs * 5)
    if (isSilent) return { now: at, staleSince: new Date(polled).toISOString() }
    if (view === undefined) return { now: at }
    if (view.state !== 'fresh') {
      return at - Date.parse(view.since) > doubtMs ? { now: at, staleSince: view.since } : { now: at }
    }
    const isWanted = live.some((one) => rules.wantsLook(one)) && this.#isTimeToLook(lookEveryMs)
    const guests = isWanted ? await this.#look(lookWithinMs) : undefined
    return { now: at, seenAt: view.clock ?? view.lastSeen, guests }
  }

  /**
   * Names, and what ran on a node that is gone, where an event is about machines or a node. As they were before it
   * happened, where that is known: then their states were no guess, and no call waits for the node that is gone.
   */
  async #lookFor(events: readonly ClusterEvent[]) {
    const isAbout = events.some(({ kind, guest }) => guest !== undefined || kind.startsWith('node.'))
    if (!isAbout) return undefined
    const isLate = this.#known === undefined || this.#o.now() - this.#known.at > oldMs
    const names = new Set(this.#known?.guests.map(({ guest }) => guest))
    const isNew = events.some(({ guest }) => guest !== undefined && !names.has(guest))
    return (isLate || isNew ? await this.#look(lookWithinMs) : undefined) ?? this.#known?.guests
  }

  async #look(withinMs: number): Promise<readonly SeenGuest[] | undefined> {
    const { look, now } = this.#o
    this.#lookedAt = now()
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(withinMs)])
    const guests = await look(signal).catch(() => undefined)
    if (guests) this.#known = { at: now(), guests }
    return guests
  }

  #isTimeToLook(everyMs: number): boolean {
    return this.#o.now() - this.#lookedAt >= everyMs
  }
}

import { lookBeside, type Watched } from '../core/drill-look.ts'
import type { SeenLook, SeenTask } from '../core/drills.ts'
import type { DrillLook } from '../ha/drill.ts'
import { FarClock } from './clock.ts'
import type { DrillContext } from './context.ts'

/** Where nobody watches, a drill looks for itself; it is two requests. */
const lookEveryPaces = 3

/**
 * The cluster as a drill sees it: by the watcher's looks, and by questions of its own, one at a time and less than one a
 * second: the clock, the tasks, and each guest by its own node, since the list of all guests shows those of a dead node as
 * running for a minute.
 */
export class Sight {
  readonly clock: FarClock
  readonly #context: DrillContext
  readonly #guests: readonly Watched[]
  readonly #tasks = new Map<string, SeenTask>()
  readonly #running = new Map<string, { node: string; since: number }>()
  #askedAt = Number.NEGATIVE_INFINITY
  #tasksAt = Number.NEGATIVE_INFINITY
  #reach: { active: boolean; at: number } | undefined
  #reachAt = Number.NEGATIVE_INFINITY
  #own: { look: SeenLook; at: number } | undefined
  #turn = 0

  constructor(context: DrillContext, guests: readonly Watched[]) {
    this.#context = context
    this.#guests = guests
    this.clock = new FarClock(context.drills.tempo.isReal)
  }

  /** @throws when nobody sees the cluster */
  look = async (): Promise<DrillLook> => {
    const { drills, job } = this.#context
    const seen = (await drills.sees(job.cluster)) ?? (await this.#lookedMyself())
    this.#note(seen)
    if (performance.now() - this.#askedAt >= drills.tempo.paceMs) {
      this.#askedAt = performance.now()
      await this.#ask(seen).catch(() => {})
    }
    const now = this.clock.now()
    const seenAt = this.clock.now(performance.now() - (seen.ageMs ?? 0))
    const { quorate, online, services } = seen
    const running = Object.fromEntries(
      [...this.#running].map(([sid, { node, since }]) => [sid, { node, uptime: Math.max(0, now - since) }]),
    )
    const reach = this.#reach ? { reach: this.#reach } : {}
    return { now, seenAt, quorate, online, services, running, tasks: [...this.#tasks.values()], ...reach }
  }

  async #lookedMyself(): Promise<SeenLook> {
    const { drills, payload, proxmox } = this.#context
    const now = performance.now()
    if (!this.#own || now - this.#own.at >= drills.tempo.paceMs * lookEveryPaces) {
      this.#own = { look: await lookBeside(proxmox, payload.node), at: now }
    }
    return { ...this.#own.look, ageMs: now - this.#own.at }
  }

  /** What a look tells is kept; what it contradicts is asked again. */
  #note(seen: SeenLook): void {
    for (const task of seen.tasks ?? []) this.#tasks.set(keyOf(task), task)
    for (const { sid } of this.#guests) {
      const known = this.#running.get(sid)
      if (known && (known.node !== this.#placeOf(sid, seen) || !seen.online.includes(known.node))) {
        this.#running.delete(sid)
      }
    }
  }

  #placeOf = (sid: string, seen: SeenLook) => seen.services[sid]?.node ?? this.#context.payload.node

  /** The most urgent question: in turn, or the next one that has something to ask. */
  async #ask(seen: SeenLook): Promise<void> {
    const { paceMs } = this.#context.drills.tempo
    const stale = paceMs * 5
    const guest = this.#unknown(seen)
    const questions = [
      this.clock.age() >= stale ? () => this.#time(seen) : undefined,
      guest ? () => this.#state(guest, this.#placeOf(guest.sid, seen), seen) : undefined,
      performance.now() - this.#tasksAt >= stale ? () => this.#taskList() : undefined,
      this.#context.payload.storage !== undefined && performance.now() - this.#reachAt >= paceMs * 2
        ? () => this.#storage(seen)
        : undefined,
    ]
    for (let i = 0; i < questions.length; i++) {
      const question = questions[(this.#turn + i) % questions.length]
      if (!question) continue
      this.#turn = (this.#turn + i + 1) % questions.length
      return question()
    }
  }

  /** A guest that ought to run where it is and has not been seen to. */
  #unknown(seen: SeenLook): Watched | undefined {
    const waiting = this.#guests.filter(({ sid }) => {
      const state = seen.services[sid]?.state
      const isThere = seen.online.includes(this.#placeOf(sid, seen))
      return isThere && !this.#running.has(sid) && (state === undefined || !/^(?:fence|recovery|stopped)$/.test(state))
    })
    return waiting[this.#turnOf(waiting.length)]
  }

  #rounds = 0
  #turnOf = (count: number) => (count === 0 ? 0 : this.#rounds++ % count)

  #o = () => ({ avoid: [this.#context.payload.node], timeoutMs: 5000 })

  async #time({ online }: SeenLook): Promise<void> {
    const { payload, proxmox } = this.#context
    const observer = online.find((name) => name !== payload.node) ?? payload.node
    this.clock.read(await proxmox.nodeTime(observer, this.#o()))
  }

  /** A simulated clock may go at any pace, and not at the one it had: it is read at the same moment. */
  async #state({ sid, vmid, kind }: Watched, node: string, seen: SeenLook): Promise<void> {
    const { drills, proxmox } = this.#context
    const [state] = await Promise.all([
      proxmox.guestState({ node, kind, vmid }, this.#o()),
      drills.tempo.isReal ? undefined : this.#time(seen),
    ])
    if (state.status === 'stopped' || state.status === 'unknown') return
    this.#running.set(sid, { node, since: this.clock.now() - state.uptime })
  }

  /** By the node's own word, which another one passes on. */
  async #storage(seen: SeenLook): Promise<void> {
    const { drills, payload, proxmox } = this.#context
    const { node, storage = '' } = payload
    this.#reachAt = performance.now()
    if (!drills.tempo.isReal) await this.#time(seen)
    const at = this.clock.now()
    const { active } = await proxmox.storageState(node, storage, this.#o())
    this.#reach = { active, at }
  }

  async #taskList(): Promise<void> {
    this.#tasksAt = performance.now()
    for (const task of await this.#context.proxmox.clusterTasks(this.#o())) this.#tasks.set(keyOf(task), task)
  }
}

/** An ended task takes the place of the same one that ran. */
const keyOf = ({ node, type, id, starttime }: SeenTask) => `${node}/${type}/${id}/${starttime}`

import type { Look } from '../ha/look.ts'
import { BadReply } from './errors.ts'
import type { CallOptions, Proxmox } from './port.ts'

type Asks = Pick<
  Proxmox,
  'haStatus' | 'managerStatus' | 'clusterStatus' | 'resources' | 'clusterTasks' | 'votes' | 'qdevice' | 'replication'
>
type When = Pick<Look, 'at' | 'steady' | 'gap'>

/** A node that hangs must not hold up the next look for long: another is asked after half of it. */
const patienceMs = 6_000
/** One of the slower questions each; who looks seldom asks two at once. */
const slotMs = 2_000
const mostSlow = 2

interface Question {
  everyMs: number
  ask(o: CallOptions, eyes: Look): Promise<Partial<Look>>
  askedAt?: number
  isOpen?: boolean
}

export interface EyesOptions {
  proxmox: Asks
  /** Whether another node must confirm this before it is believed. */
  isBadNews(look: Look): boolean
  answeredBy(look: Look): string | undefined
  isQuorate(look: Look): boolean | undefined
  /** A call that was answered in vain; the look goes on without it. */
  onError(error: unknown): void
}

/**
 * Looks at a cluster: three requests, and one more of those that change slowly, whatever the number of guests and nodes.
 * Bad news from one node are checked with another, and a garbled answer is asked for once more, elsewhere.
 */
export class Eyes {
  readonly #o: EyesOptions
  readonly #slow: Question[]
  #slotAt: number | undefined
  #heard: Partial<Look> = {}
  #turn = 0

  constructor(options: EyesOptions) {
    this.#o = options
    const { proxmox } = options
    this.#slow = [
      {
        everyMs: 6_000,
        ask: async (o, { steady: asked }) => ({ resources: { ...(await proxmox.resources(o)), asked } }),
      },
      { everyMs: 6_000, ask: async (o) => ({ tasks: await proxmox.clusterTasks(o) }) },
      { everyMs: 15_000, ask: async (o) => ({ qdevice: await proxmox.qdevice(o) }) },
      { everyMs: 15_000, ask: (o, look) => this.#replication(o, look) },
      { everyMs: 60_000, ask: async (o) => ({ votes: await proxmox.votes(o) }) },
    ]
  }

  async look(when: When): Promise<Look> {
    const first = await this.#view(when, {})
    const look = this.#o.isBadNews(first) ? await this.#confirmed(first, when) : first
    if (this.#o.isQuorate(look) !== true) {
      this.#heard = {}
      return look
    }
    const heard = this.#heard
    this.#heard = {}
    const who = this.#o.answeredBy(look)
    const options = { timeoutMs: patienceMs, ...(who === undefined ? {} : { prefer: who }) }
    for (const question of this.#due(when.steady)) void this.#ask(question, question.ask(options, look))
    return { ...look, ...heard }
  }

  /** What the fast questions answer, all of them from one node where it can be. */
  async #view(when: When, preference: CallOptions): Promise<Look> {
    const look: Look = { ...when }
    const garbled = await this.#fill(look, preference, ['manager', 'ha', 'status'])
    if (garbled.length === 0) return look
    const who = this.#o.answeredBy(look)
    await this.#fill(look, { ...preference, ...(who === undefined ? {} : { avoid: [who] }) }, garbled)
    return look
  }

  /** Asks for these parts and fills them in; the ones whose answer could not be read. */
  async #fill(look: Look, preference: CallOptions, parts: readonly Part[]): Promise<Part[]> {
    const { proxmox } = this.#o
    const o = { timeoutMs: patienceMs, ...preference }
    const calls = {
      manager: () => proxmox.managerStatus(o),
      ha: () => proxmox.haStatus(o),
      status: () => proxmox.clusterStatus(o),
    }
    const answers = await Promise.all(
      parts.map(async (part) => {
        try {
          Object.assign(look, { [part]: await calls[part]() })
          return undefined
        } catch (error) {
          this.#o.onError(error)
          return error instanceof BadReply ? part : undefined
        }
      }),
    )
    return answers.filter((part) => part !== undefined)
  }

  /** The same from another node: a node that is cut off calls all others offline, and believes itself. */
  async #confirmed(first: Look, when: When): Promise<Look> {
    const who = this.#o.answeredBy(first)
    if (who === undefined) return first
    const second = await this.#view(when, { avoid: [who] })
    const other = this.#o.answeredBy(second)
    if (other === undefined || other === who) return { ...first, witnesses: [who] }
    const best = this.#o.isQuorate(second) || !this.#o.isQuorate(first) ? second : first
    return { ...best, witnesses: [who, other] }
  }

  /** The questions whose turn it is, the longest overdue first; one for each slot that has passed. */
  #due(steady: number): Question[] {
    this.#slotAt ??= steady - slotMs
    // A look that comes a little early still has its slot.
    const slots = Math.floor((steady - this.#slotAt + slotMs / 4) / slotMs)
    if (slots < 1) return []
    this.#slotAt = steady
    const lateness = ({ askedAt, everyMs }: Question) =>
      askedAt === undefined ? Number.POSITIVE_INFINITY : (steady - askedAt + slotMs / 4) / everyMs
    const due = this.#slow
      .filter((question) => !question.isOpen && lateness(question) >= 1)
      .sort((a, b) => (lateness(b) > lateness(a) ? 1 : lateness(b) < lateness(a) ? -1 : 0) || a.everyMs - b.everyMs)
      .slice(0, Math.min(slots, mostSlow))
    for (const question of due) question.askedAt = steady
    return due
  }

  /** News of the HA manager never wait for a long list: what is answered now is in the next look. */
  async #ask(question: Question, answer: Promise<Partial<Look>>): Promise<void> {
    question.isOpen = true
    try {
      Object.assign(this.#heard, await answer)
    } catch (error) {
      this.#o.onError(error)
    } finally {
      question.isOpen = false
    }
  }

  /** Each node knows the jobs of its own guests; one node at a time. */
  async #replication(o: CallOptions, look: Look): Promise<Partial<Look>> {
    const online = (look.status?.members ?? []).filter((member) => member.online)
    const node = online[this.#turn++ % Math.max(1, online.length)]?.name
    if (node === undefined) return {}
    return { replication: { node, jobs: await this.#o.proxmox.replication(node, o) } }
  }
}

type Part = 'manager' | 'ha' | 'status'

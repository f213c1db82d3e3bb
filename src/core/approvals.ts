import { type ActPlan, approvalClasses, type Command, type RunPlan } from './command.ts'
import type { Pending } from './desk.ts'
import type { DispatchPorts } from './events.ts'
import { fill } from './language.ts'
import type { Message, Target } from './message.ts'
import { Order } from './outbox.ts'
import { type From, nameOf, type Ordered, warningFields } from './planning.ts'
import { poolsIn } from './pools.ts'
import { formatTime } from './time.ts'

/** The other card of a wish, in another channel: its key leads back to the card that asks. */
const elsewhere = '~'
export const askingCard = (card: string): string => card.split(elsewhere)[0]!

/** Who must agree, and how they are asked: on the card, and in the cluster's other channels. */
export class Approvals {
  readonly #ports: DispatchPorts

  constructor(ports: DispatchPorts) {
    this.#ports = ports
  }

  /** How many OTHER people must agree; of several classes the strictest counts. */
  needed(command: Command, plan: RunPlan | ActPlan): number {
    return Math.max(0, ...approvalClasses(command, plan).map((of) => this.#ports.approvals(of)))
  }

  /** Who besides the requester holds the role, as the configuration names them; a group counts as somebody. */
  others({ entry, cluster, within }: Ordered, from: Pick<From, 'requester' | 'target'>): string[] {
    const place = { cluster: cluster || undefined, channel: from.target, pools: within && poolsIn(within) }
    const here = this.#ports.access.whoMay(entry.command.role, place, from.requester)
    const posts = this.#elsewhere(cluster, from.target).flatMap((channel) =>
      this.#ports.access.whoMay(entry.command.role, { ...place, channel }, from.requester),
    )
    return [...new Set([...here, ...posts])]
  }

  /** When a requester who has nobody to ask may confirm again; undefined: another person must agree. */
  soloFrom(ordered: Ordered, from: From): number | undefined {
    const { soloMs, now } = this.#ports
    return soloMs === undefined || this.others(ordered, from).length > 0 ? undefined : now() + soloMs
  }

  /** Told to everybody before the first confirmation of somebody who is alone counts; done again it changes nothing. */
  async announce(ordered: Ordered, plan: RunPlan | ActPlan, from: From, until: number, version: number): Promise<void> {
    for (const target of [from.target, ...this.#elsewhere(ordered.cluster, from.target)]) {
      const language = this.#ports.channels.languageOf(target) ?? from.language
      const { say } = this.#ports.words[language]
      const asker = nameOf(this.#ports.access, from.requester)
      const time = formatTime(until, { language, tz: from.tz })
      const message: Message = { title: plan.title, state: 'warning', text: fill(say.soloAnnounced, { asker, time }) }
      const key = `solo-${this.#ports.hash([from.card, version, target])}`
      await this.#ports.outbox.put({ key, target, message, language, order: Order.final })
    }
  }

  /** Asks for what is still lacking. */
  async ask(ordered: Ordered, plan: RunPlan | ActPlan, from: From, pending: Pending): Promise<void> {
    const { actions } = this.#ports.words[from.language]
    const cancel = { id: 'cancel', label: actions.cancel } as const
    const message: Message = {
      title: plan.title,
      state: 'waiting',
      text: this.#asks(ordered, plan, from, pending),
      fields: [...plan.shows, ...warningFields(plan, this.#ports.words[from.language].say.warning)],
    }
    const decide = [
      { id: 'approve', label: actions.approve, style: 'danger' },
      { id: 'reject', label: actions.reject },
    ] as const
    const again = { id: 'confirm', label: actions.confirm, style: 'danger' } as const
    const own = pending.solo === undefined ? [...decide, cancel] : [again, cancel]
    await this.#put(from, { ...message, actions: own })
    if (pending.solo !== undefined) return
    for (const target of this.#elsewhere(ordered.cluster, from.target)) {
      await this.#put(from, { ...message, actions: [...decide] }, { target, plan: pending.plan })
    }
  }

  #asks(ordered: Ordered, plan: RunPlan | ActPlan, from: From, { solo, approvedBy }: Pending): string {
    const { access, words, decideWithinMs } = this.#ports
    const { say } = words[from.language]
    const asker = nameOf(access, from.requester)
    const minutes = Math.round(decideWithinMs / 60_000)
    if (solo !== undefined) return fill(say.soloText, { asker, time: formatTime(solo.from, from), minutes })
    const count = this.needed(ordered.entry.command, plan) - approvedBy.length
    const who = this.others(ordered, from).join(', ') || say.none
    return fill(say.approveText, { asker, count, role: ordered.entry.command.role, who, minutes })
  }

  /** Takes the buttons off the cards in the other channels: it has been decided, and how. */
  async settle({ kind, solo, cluster = '', plan }: Pending, from: From, message: Message): Promise<void> {
    if (kind !== 'approve' || solo !== undefined) return
    for (const target of this.#elsewhere(cluster, from.target)) {
      await this.#put(from, message, { target, plan }, Order.decided)
    }
  }

  /** The channels of this cluster other than the one where it was asked. */
  #elsewhere = (cluster: string, asked: Target): Target[] =>
    this.#ports.channels.posts(cluster).filter((target) => target !== asked)

  async #put(from: From, message: Message, other?: Other, order: number = Order.waiting): Promise<void> {
    const threaded = from.thread === undefined || other !== undefined ? {} : { thread: from.thread }
    await this.#ports.outbox.put({
      key: other === undefined ? from.card : `${from.card}${elsewhere}${this.#ports.hash([other.target, other.plan])}`,
      target: other?.target ?? from.target,
      ...threaded,
      message: { ...message, ...threaded },
      language: from.language,
      order,
    })
  }
}

/** A card in another channel: a new one for each plan, since what was decided is not taken back. */
interface Other {
  target: Target
  plan: string | undefined
}

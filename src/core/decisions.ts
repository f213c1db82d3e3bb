import { Approvals } from './approvals.ts'
import type { AuditEntry } from './audit.ts'
import type { Entry } from './catalogue.ts'
import { type ActPlan, approvalClasses, type RunPlan } from './command.ts'
import type { Pending } from './desk.ts'
import { Refused } from './errors.ts'
import type { Clicked, DispatchPorts } from './events.ts'
import { fill, type Language } from './language.ts'
import { short } from './line.ts'
import type { ActionId, Message } from './message.ts'
import { Order } from './outbox.ts'
import { convert, type Given, missing } from './parse.ts'
import { type Decided, type From, nameOf, type Ordered, type Planning } from './planning.ts'
import { reachOf } from './pools.ts'
import { type Access, holds, type Identity } from './roles.ts'
import { formatTime } from './time.ts'

/** What people decide about a plan that waits: confirm, approve, reject, drop, fill in. First click wins. */
export class Decisions {
  readonly #ports: DispatchPorts
  readonly #planning: Planning
  readonly #approvals: Approvals

  constructor(ports: DispatchPorts, planning: Planning) {
    this.#ports = ports
    this.#planning = planning
    this.#approvals = new Approvals(ports)
  }

  async decide(clicked: Clicked, pending: Pending, language: Language): Promise<void> {
    const { access, desk, now } = this.#ports
    const words = this.#ports.words[pending.language]
    const from: From = {
      card: clicked.card,
      line: pending.line,
      requester: pending.requester,
      target: pending.target,
      ...(pending.thread === undefined ? {} : { thread: pending.thread }),
      language: pending.language,
      tz: pending.tz,
    }
    const entry = this.#ports.catalogue.get(pending.path)
    if (!entry) throw new Refused('nothing-waits')
    if (pending.expiresAt < now()) {
      if (await desk.take(clicked.card, pending.version)) {
        await this.#planning.audit('expired', { entry, cluster: pending.cluster ?? '' }, from)
        const text = words.say.expiredText
        await this.#settled(pending, from, { title: short(pending.line), state: 'warning', text })
      }
      throw new Refused('expired', { line: pending.line })
    }
    const place = { cluster: pending.cluster, channel: clicked.target }
    const own = access.samePerson(clicked.identity, pending.requester)
    const role = await this.#roleOf(entry, clicked, pending, own)
    const needs = entry.command.role
    const drop = clicked.action === 'cancel' || clicked.action === 'form.cancel'
    const requesterOnly = clicked.action === 'confirm' || clicked.action === 'form.submit'
    const wanted: Record<Pending['kind'], ActionId[]> = {
      form: ['form.submit', 'form.cancel'],
      confirm: ['confirm', 'cancel'],
      approve: ['approve', 'reject', 'cancel'],
    }
    // Confirmed before, by a click that is delivered once more: the card that asks for the approval may be missing yet.
    const isConfirmed = pending.kind === 'approve' && clicked.action === 'confirm' && own
    if (!wanted[pending.kind].includes(clicked.action) && !isConfirmed) throw new Refused('not-a-decision')
    if ((requesterOnly || (drop && role !== 'admin')) && !own) {
      throw new Refused('not-yours', { who: nameOf(access, pending.requester), line: pending.line })
    }
    if (!holds(role, needs)) {
      throw this.#planning.notAllowed(pending.path, needs, role, clicked.identity, place, this.#ports.words[language])
    }
    const who = nameOf(access, clicked.identity)
    if (drop || clicked.action === 'reject') {
      if (!(await desk.take(clicked.card, pending.version))) throw new Refused('nothing-waits')
      const at = { entry, cluster: pending.cluster ?? '' }
      await this.#planning.audit(drop ? 'dropped' : 'rejected', at, from, decidedBy(clicked))
      const [title, text] = drop
        ? [words.say.droppedTitle, words.say.droppedText]
        : [words.say.rejectedTitle, words.say.rejectedText]
      const message: Message = {
        title: fill(title, { title: short(pending.line) }),
        state: 'warning',
        text: fill(text, { who }),
      }
      return this.#settled(pending, from, message)
    }
    const given: Given = {
      values: clicked.action === 'form.submit' ? merged(pending.values, clicked.values ?? {}) : pending.values,
      explain: pending.explain,
      ...(pending.cluster === undefined ? {} : { cluster: pending.cluster }),
    }
    // Planned for its requester, whoever clicks: with the rights that this person holds now.
    const reach = await reachOf(access, entry.command, pending.requester, { ...place, channel: pending.target })
    const ordered: Ordered = { entry, given, cluster: pending.cluster ?? '', within: pending.within, ...reach }
    if (clicked.action === 'form.submit') return this.#submitted(ordered, pending, from)
    await this.#confirmedOrApproved(clicked, ordered, pending, from)
  }

  /** The clicker's role for what waits. A form does not say yet where it will act: its asker's pools are looked at when it does. */
  async #roleOf(entry: Entry, { identity, target }: Clicked, { kind, cluster, within }: Pending, own: boolean) {
    const place = { cluster, channel: target }
    if (kind === 'form' && own) return (await reachOf(this.#ports.access, entry.command, identity, place)).role
    return this.#planning.roleWithin(entry.command.role, identity, place, within)
  }

  async #submitted(line: Ordered, pending: Pending, from: From): Promise<void> {
    // Wrong values leave the form open: the error is told, and it can be sent again.
    const lacking = missing(line.given, line.entry.command)
    if (lacking.length > 0) {
      throw new Refused('missing-argument', { missing: lacking.join(', '), command: line.entry.path })
    }
    convert(line.given, line.entry.command)
    const ordered = await this.#planning.located(line, from)
    const plan = await this.#planning.plan(ordered, from, true)
    const waits =
      plan.kind !== 'answer' && !ordered.given.explain && approvalClasses(ordered.entry.command, plan).length > 0
    if (plan.kind !== 'answer' && !ordered.given.explain) {
      const written = { plan: this.#planning.planned(ordered, plan), action: 'form.submit' }
      await this.#planning.audit('asked', ordered, from, written)
    }
    if (waits) return this.#planning.askToConfirm(ordered, plan, from, false, pending.version)
    // Taken off the desk last: a crash before that leaves a form whose redelivered click does the same again.
    if (plan.kind === 'answer') await this.#planning.put(from, { state: 'info', ...plan.answer }, Order.decided)
    else if (ordered.given.explain)
      await this.#planning.put(from, this.#planning.explained(plan, from.language), Order.decided)
    else if (plan.kind === 'act')
      await this.#planning.put(from, { state: 'ok', ...(await plan.act(from.card)) }, Order.decided)
    else await this.#planning.start(ordered, plan, from)
    await this.#ports.desk.take(from.card, pending.version)
  }

  async #confirmedOrApproved(clicked: Clicked, line: Ordered, pending: Pending, from: From): Promise<void> {
    await this.#refuseOwn(clicked, line, pending)
    const ordered = await this.#planning.located(line, from)
    const plan = await this.#planning.plan(ordered, from, true)
    if (plan.kind === 'answer') {
      await this.#ports.desk.take(from.card, pending.version)
      return this.#settled(pending, from, { state: 'info', ...plan.answer })
    }
    if (this.#planning.planHash(ordered, plan) !== pending.plan) {
      const { changedText } = this.#ports.words[from.language].say
      await this.#approvals.settle(pending, from, { title: plan.title, state: 'warning', text: changedText })
      return this.#planning.askToConfirm(ordered, plan, from, true, pending.version)
    }
    if (pending.kind === 'confirm') return this.#confirmed(clicked, ordered, plan, pending, from)
    if (clicked.action === 'confirm') return this.#confirmedAgain(clicked, ordered, plan, pending, from)
    await this.#approved(clicked, ordered, plan, pending, from)
  }

  /** Nobody approves for themselves, and nobody's approval lends a role that its requester has lost. */
  async #refuseOwn(clicked: Clicked, ordered: Ordered, pending: Pending): Promise<void> {
    const { access } = this.#ports
    const { role } = ordered.entry.command
    if (clicked.action === 'approve' && access.samePerson(clicked.identity, pending.requester)) {
      const who = this.#approvals.others(ordered, pending).join(', ')
      throw new Refused('own-approval', { role, who: who || this.#ports.words[pending.language].say.none })
    }
    if (holds(ordered.role, role)) return
    const place = { cluster: ordered.cluster, channel: pending.target }
    const words = this.#ports.words[pending.language]
    throw this.#planning.notAllowed(pending.path, role, ordered.role, pending.requester, place, words)
  }

  async #confirmed(
    clicked: Clicked,
    ordered: Ordered,
    plan: RunPlan | ActPlan,
    pending: Pending,
    from: From,
  ): Promise<void> {
    const { desk, now, decideWithinMs } = this.#ports
    await this.#audit('confirmed', clicked, ordered, plan, from, { approvals: [] })
    if (this.#approvals.needed(ordered.entry.command, plan) === 0) return this.#start(ordered, plan, pending, from)
    const soloFrom = this.#approvals.soloFrom(ordered, from)
    if (soloFrom !== undefined) await this.#approvals.announce(ordered, plan, from, soloFrom, pending.version)
    const next: Pending = {
      ...pending,
      kind: 'approve',
      ...(soloFrom === undefined ? {} : { solo: { from: soloFrom, event: clicked.event } }),
      expiresAt: (soloFrom ?? now()) + decideWithinMs,
      version: pending.version + 1,
    }
    if (!(await desk.keep(from.card, next, pending.version))) throw new Refused('nothing-waits')
    return this.#approvals.ask(ordered, plan, from, next)
  }

  /** The second time by somebody who has nobody to ask; or the first once more, whose question may be missing yet. */
  async #confirmedAgain(clicked: Clicked, ordered: Ordered, plan: RunPlan | ActPlan, pending: Pending, from: From) {
    const { now, soloMs } = this.#ports
    const { solo } = pending
    if (solo === undefined || solo.event === clicked.event) {
      return this.#approvals.ask(ordered, plan, from, pending)
    }
    const others = this.#approvals.others(ordered, from)
    if (soloMs === undefined || others.length > 0) {
      throw new Refused('solo-no-more', { who: others.join(', '), line: pending.line })
    }
    if (now() < solo.from) {
      throw new Refused('solo-too-early', { time: formatTime(solo.from, from), line: pending.line })
    }
    await this.#audit('confirmed', clicked, ordered, plan, from, { approvals: [], result: 'alone' })
    await this.#start(ordered, plan, pending, from, { approvedBy: [], alone: true })
  }

  async #approved(
    clicked: Clicked,
    ordered: Ordered,
    plan: RunPlan | ActPlan,
    pending: Pending,
    from: From,
  ): Promise<void> {
    const { access, desk, now, decideWithinMs } = this.#ports
    const approvedBy = distinct(access, [...pending.approvedBy, clicked.identity])
    const approvedIn = { [clicked.identity]: clicked.target, ...pending.approvedIn }
    await this.#audit('approved', clicked, ordered, plan, from, { approvals: approvedBy })
    if (approvedBy.length >= this.#approvals.needed(ordered.entry.command, plan)) {
      return this.#start(ordered, plan, pending, from, { approvedBy, approvedIn })
    }
    const { solo: _, ...waiting } = pending
    const expiresAt = now() + decideWithinMs
    const next: Pending = { ...waiting, approvedBy, approvedIn, expiresAt, version: pending.version + 1 }
    if (!(await desk.keep(from.card, next, pending.version))) throw new Refused('nothing-waits')
    return this.#approvals.ask(ordered, plan, from, next)
  }

  /** Enqueued before it is taken off the desk: a crash in between leaves a click that finds the same job id again. */
  async #start(
    ordered: Ordered,
    plan: RunPlan | ActPlan,
    pending: Pending,
    from: From,
    decided?: Decided,
  ): Promise<void> {
    if (plan.kind === 'run') await this.#planning.start(ordered, plan, from, decided)
    else await this.#act(ordered, plan, from, decided)
    const who = (decided?.approvedBy ?? []).map((identity) => nameOf(this.#ports.access, identity)).join(', ')
    const text = fill(this.#ports.words[from.language].say.approvedBy, { who })
    await this.#approvals.settle(pending, from, { title: plan.title, state: 'info', text })
    await this.#ports.desk.take(from.card, pending.version)
  }

  /** Written down before it is done; done again after a crash, it is the same deed by the same name. */
  async #act(ordered: Ordered, plan: ActPlan, from: From, decided?: Decided): Promise<void> {
    const written = { plan: this.#planning.planned(ordered, plan), approvals: decided?.approvedBy ?? [] }
    await this.#planning.audit('ordered', ordered, from, written)
    await this.#planning.put(from, { state: 'ok', ...(await plan.act(from.card)) }, Order.decided)
  }

  /** It came to nothing: said on the card that asks, and on those in other channels. */
  async #settled(pending: Pending, from: From, message: Message): Promise<void> {
    await this.#planning.put(from, message, Order.decided)
    await this.#approvals.settle(pending, from, message)
  }

  async #audit(
    kind: 'confirmed' | 'approved',
    clicked: Clicked,
    ordered: Ordered,
    plan: RunPlan | ActPlan,
    from: From,
    more: Partial<AuditEntry>,
  ): Promise<void> {
    const written = { plan: this.#planning.planned(ordered, plan), ...more }
    await this.#planning.audit(kind, ordered, from, { ...decidedBy(clicked), ...written })
  }
}

const decidedBy = ({ identity, target, action }: Clicked) => ({ who: identity, target, action })

/** One entry per human. */
const distinct = (access: Access, identities: Identity[]): Identity[] =>
  identities.filter((identity, i) => identities.findIndex((other) => access.samePerson(other, identity)) === i)

/** A form's values over what was typed; an empty field is an argument left out. */
function merged(typed: Record<string, string>, sent: Record<string, string>): Record<string, string> {
  const values = { ...typed, ...sent }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ''))
}

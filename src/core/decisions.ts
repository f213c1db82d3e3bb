import type { RunPlan } from './command.ts'
import type { Pending } from './desk.ts'
import { Refused } from './errors.ts'
import type { Clicked, DispatchPorts } from './events.ts'
import { fill, type Language } from './language.ts'
import { short } from './line.ts'
import type { ActionId, Message } from './message.ts'
import { Order } from './outbox.ts'
import { convert, type Given, missing } from './parse.ts'
import { type From, nameOf, type Ordered, type Planning, warningFields } from './planning.ts'
import { type Access, holds, type Identity } from './roles.ts'

/** What people decide about a plan that waits: confirm, approve, reject, drop, fill in. First click wins. */
export class Decisions {
  readonly #ports: DispatchPorts
  readonly #planning: Planning

  constructor(ports: DispatchPorts, planning: Planning) {
    this.#ports = ports
    this.#planning = planning
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
        await this.#planning.put(
          from,
          { title: short(pending.line), state: 'warning', text: words.say.expiredText },
          Order.decided,
        )
      }
      throw new Refused('expired', { line: pending.line })
    }
    const place = { cluster: pending.cluster, channel: clicked.target }
    const role = await access.roleOf(clicked.identity, place)
    const own = access.samePerson(clicked.identity, pending.requester)
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
      return this.#planning.put(from, message, Order.decided)
    }
    const given: Given = {
      values: clicked.action === 'form.submit' ? merged(pending.values, clicked.values ?? {}) : pending.values,
      explain: pending.explain,
      ...(pending.cluster === undefined ? {} : { cluster: pending.cluster }),
    }
    const ordered: Ordered = { entry, given, cluster: pending.cluster ?? '', role }
    if (clicked.action === 'form.submit') return this.#submitted(ordered, pending, from)
    await this.#confirmedOrApproved(clicked, ordered, pending, from)
  }

  async #submitted(ordered: Ordered, pending: Pending, from: From): Promise<void> {
    // Wrong values leave the form open: the error is told, and it can be sent again.
    if (missing(ordered.given, ordered.entry.command).length === 0) convert(ordered.given, ordered.entry.command)
    else
      throw new Refused('missing-argument', {
        missing: missing(ordered.given, ordered.entry.command).join(', '),
        command: ordered.entry.path,
      })
    const plan = await this.#planning.plan(ordered, from, true)
    const { risk } = ordered.entry.command
    const waits = plan.kind === 'run' && !ordered.given.explain && (risk === 'endangers' || risk === 'destroys')
    if (plan.kind !== 'answer' && !ordered.given.explain) {
      const written = { plan: this.#planning.planned(ordered, plan), action: 'form.submit' }
      await this.#planning.audit('asked', ordered, from, written)
    }
    if (waits) return this.#planning.askToConfirm(ordered, plan, from, false, pending.version)
    // Taken off the desk last: a crash before that leaves a form whose redelivered click does the same again.
    if (plan.kind === 'answer') await this.#planning.put(from, { state: 'info', ...plan.answer }, Order.decided)
    else if (ordered.given.explain)
      await this.#planning.put(from, this.#planning.explained(plan, from.language), Order.decided)
    else if (plan.kind === 'act') await this.#planning.put(from, { state: 'ok', ...(await plan.act()) }, Order.decided)
    else await this.#planning.start(ordered, plan, from, [])
    await this.#ports.desk.take(from.card, pending.version)
  }

  async #confirmedOrApproved(clicked: Clicked, ordered: Ordered, pending: Pending, from: From): Promise<void> {
    const { access, desk, approvals } = this.#ports
    const words = this.#ports.words[from.language]
    const risk = ordered.entry.command.risk
    const place = { cluster: ordered.cluster, channel: pending.target }
    if (clicked.action === 'approve' && access.samePerson(clicked.identity, pending.requester)) {
      const others = access
        .whoMay(ordered.entry.command.role, place)
        .filter((id) => !access.samePerson(id, pending.requester))
      throw new Refused('own-approval', { role: ordered.entry.command.role, who: others.join(', ') || words.say.none })
    }
    // The requester must still hold the role at the run, or another's approval would lend it.
    const requesterRole = await access.roleOf(pending.requester, place)
    if (!holds(requesterRole, ordered.entry.command.role)) {
      throw this.#planning.notAllowed(
        pending.path,
        ordered.entry.command.role,
        requesterRole,
        pending.requester,
        place,
        words,
      )
    }
    const plan = await this.#planning.plan(ordered, from, true)
    if (plan.kind !== 'run') {
      await desk.take(from.card, pending.version)
      const message = plan.kind === 'answer' ? plan.answer : await plan.act()
      return this.#planning.put(from, { state: 'info', ...message }, Order.decided)
    }
    if (this.#planning.planHash(ordered, plan) !== pending.plan) {
      return this.#planning.askToConfirm(ordered, plan, from, true, pending.version)
    }
    if (pending.kind === 'approve' && clicked.action === 'confirm') {
      const lacking = approvals(risk) - pending.approvedBy.length
      return this.#askToApprove(ordered, plan, from, lacking)
    }
    const approvedBy = clicked.action === 'approve' ? distinct(access, [...pending.approvedBy, clicked.identity]) : []
    const kind = clicked.action === 'approve' ? 'approved' : 'confirmed'
    const written = { plan: this.#planning.planned(ordered, plan), approvals: approvedBy }
    await this.#planning.audit(kind, ordered, from, { ...decidedBy(clicked), ...written })
    const lacking = approvals(risk) - approvedBy.length
    if (lacking > 0) {
      const next: Pending = {
        ...pending,
        kind: 'approve',
        approvedBy,
        expiresAt: this.#ports.now() + this.#ports.decideWithinMs,
        version: pending.version + 1,
      }
      if (!(await desk.keep(from.card, next, pending.version))) throw new Refused('nothing-waits')
      return this.#askToApprove(ordered, plan, from, lacking)
    }
    // Enqueued before it is taken off the desk: a crash in between leaves a click that finds the same job id again.
    await this.#planning.start(ordered, plan, from, approvedBy)
    await desk.take(from.card, pending.version)
  }

  async #askToApprove(ordered: Ordered, plan: RunPlan, from: From, count: number): Promise<void> {
    const { access } = this.#ports
    const words = this.#ports.words[from.language]
    const needs = ordered.entry.command.role
    const who = access
      .whoMay(needs, { cluster: ordered.cluster, channel: from.target })
      .filter((id) => !access.samePerson(id, from.requester))
    await this.#planning.put(
      from,
      {
        title: plan.title,
        state: 'waiting',
        text: fill(words.say.approveText, {
          asker: nameOf(access, from.requester),
          count,
          role: needs,
          who: who.join(', ') || words.say.none,
          minutes: Math.round(this.#ports.decideWithinMs / 60_000),
        }),
        fields: [...plan.shows, ...warningFields(plan, words.say.warning)],
        actions: [
          { id: 'approve', label: words.actions.approve, style: 'danger' },
          { id: 'reject', label: words.actions.reject },
          { id: 'cancel', label: words.actions.cancel },
        ],
      },
      Order.waiting,
    )
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

import { askingCard } from './approvals.ts'
import { Decisions } from './decisions.ts'
import { vetoed } from './drill-clicks.ts'
import { announcedBy } from './drill-schedule.ts'
import { Refused, Unavailable } from './errors.ts'
import type { Clicked, DispatchPorts, Said } from './events.ts'
import { IncidentClicks } from './incident-clicks.ts'
import { placeOf } from './job.ts'
import { fill, type Language } from './language.ts'
import { pathOf, short } from './line.ts'
import type { Message, Target } from './message.ts'
import { Order } from './outbox.ts'
import { Planning } from './planning.ts'
import { refusalMessage } from './refusal.ts'
import { holds, type Identity, type Role } from './roles.ts'

/** Finds, parses, checks the role, plans, asks for confirmation, hands the job over, and answers. */
export class Dispatch {
  readonly #ports: DispatchPorts
  readonly #planning: Planning
  readonly #decisions: Decisions
  readonly #incidents: IncidentClicks

  constructor(ports: DispatchPorts) {
    this.#ports = ports
    this.#planning = new Planning(ports)
    this.#decisions = new Decisions(ports, this.#planning)
    this.#incidents = new IncidentClicks(ports, this.#planning)
  }

  /** Takes one line. Whatever happens, its card says so; a redelivered line changes nothing. */
  async say(said: Said): Promise<void> {
    const card = this.#planning.cardOf(said.event)
    const asker = await this.#planning.asker(said.identity, said.target, said.locales)
    await this.#answered(said, card, asker, { line: said.text }, async () => {
      const ordered = await this.#planning.order(said)
      await this.#planning.carryOut(ordered, this.#planning.from(said, asker))
    })
  }

  /** Takes one click. First click wins; a late, repeated, forged or foreign one is told why it does nothing. */
  async click(clicked: Clicked): Promise<void> {
    const asker = await this.#planning.asker(clicked.identity, clicked.target, clicked.locales)
    const reply = `r-${this.#ports.hash(clicked.event)}`
    const about = { line: clicked.action as string, action: clicked.action }
    await this.#answered({ ...clicked, thread: clicked.card }, reply, asker, about, async () => {
      // A wish for an approval stands in several channels; a click on any of its cards is about the one that asks.
      const asking = { ...clicked, card: askingCard(clicked.card) }
      const pending = await this.#ports.desk.find(asking.card)
      // What the click is about: its command's own words say why not.
      if (pending) about.line = pending.line
      if (pending) return this.#decisions.decide(asking, pending, asker.language)
      const drill = announcedBy(asking.card)
      if (drill) about.line = `drill skip ${drill.id}`
      if (drill) return vetoed(this.#ports, this.#planning, clicked, { ...drill, ...asker })
      const incident = await this.#ports.incidents.ofCard(clicked.card)
      if (incident) about.line = `incident ${clicked.action} ${incident.id}`
      if (incident) return this.#incidents.take(clicked, incident, asker)
      const job = clicked.card === '' ? undefined : await this.#jobOf(asking.card)
      if (job === undefined) throw new Refused('nothing-waits')
      const words = this.#ports.words[asker.language]
      const place = placeOf(job, clicked.target)
      const role = await this.#ports.access.roleOf(clicked.identity, place)
      const needs: Role = clicked.action === 'log' ? 'viewer' : 'operator'
      if (!holds(role, needs))
        throw this.#planning.notAllowed(`job ${clicked.action}`, needs, role, clicked.identity, place, words)
      if (clicked.action === 'cancel') {
        if ((await this.#ports.jobs.cancel(job.id, clicked.identity)) === 'ended') {
          throw new Refused('already-ended', { job: job.id })
        }
        return
      }
      if (clicked.action === 'retry') {
        if (!(await this.#ports.jobs.retry(job.id, clicked.identity, clicked.event))) {
          throw new Refused('not-ended', { job: job.id })
        }
        return
      }
      if (clicked.action === 'log') {
        const lines = await this.#ports.jobs.log(job.id, 200)
        const message: Message = { title: fill(words.say.logTitle, { title: job.title }), state: 'info', job: job.id }
        if (lines.length > 0) message.log = lines
        else message.text = words.say.logEmpty
        message.thread = clicked.card
        await this.#ports.outbox.put({
          key: reply,
          target: clicked.target,
          thread: clicked.card,
          message,
          language: asker.language,
          order: Order.final,
        })
        return
      }
      throw new Refused('not-a-decision')
    })
  }

  /** Runs `work` and turns whatever it throws into one clear message to the asker. */
  async #answered(
    from: { identity: Identity; target: Target; thread?: string },
    card: string,
    asker: { language: Language },
    about: { line: string; action?: string },
    work: () => Promise<void>,
  ): Promise<void> {
    try {
      await work()
    } catch (thrown) {
      const words = this.#ports.words[asker.language]
      const title = about.line
      const path = pathOf(this.#ports.catalogue, title)
      const own = path === undefined ? undefined : this.#own(path, asker.language)
      const context = { title: short(title), command: path ?? '', line: short(title), identity: from.identity }
      const error =
        thrown instanceof Refused || thrown instanceof Unavailable
          ? thrown
          : (this.#ports.explain(thrown) ??
            new Refused('internal', { incident: this.#ports.report(thrown, { card, title: short(title) }) }))
      await this.#refused({ ...from, path, line: title, action: about.action, code: error.code })
      const message = refusalMessage(words, own, error, context)
      if (error.code === 'internal') message.state = 'failed'
      await this.#ports.outbox.put({
        key: card,
        target: from.target,
        ...(from.thread === undefined ? {} : { thread: from.thread }),
        message: from.thread === undefined ? message : { ...message, thread: from.thread },
        language: asker.language,
        order: Order.waiting,
        ...(error instanceof Refused && error.code !== 'internal' ? { onlyTo: from.identity } : {}),
      })
    }
  }

  /** Also what came to nothing is written down; the person is told why whether or not that succeeds. */
  async #refused(what: {
    identity: Identity
    target: Target
    thread?: string
    path: string | undefined
    line: string
    action: string | undefined
    code: string
  }): Promise<void> {
    const { identity: who, target, thread: card, path, line, action, code: result } = what
    await this.#ports
      .audit({ kind: 'refused', who, target, card, path, line, action, result })
      .catch((error) => this.#ports.report(error, { refused: result }))
  }

  #own(path: string, language: Language) {
    return this.#ports.catalogue.get(path)?.command.text[language].refusals
  }

  async #jobOf(card: string) {
    return (await this.#ports.jobs.ofCard(card)) ?? undefined
  }
}

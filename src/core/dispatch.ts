import type { Catalogue, Entry } from './catalogue.ts'
import type { ActPlan, Plan, RunPlan } from './command.ts'
import type { Desk, Pending } from './desk.ts'
import { Refused, Unavailable } from './errors.ts'
import { form } from './form.ts'
import type { Jobs, Preferences } from './house.ts'
import { fill, type Language, spoken } from './language.ts'
import type { ActionId, Field, Message, Target } from './message.ts'
import { Order, type Outbox } from './outbox.ts'
import { convert, type Given, missing, sort, type Token, tokenize } from './parse.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import { refusalMessage } from './refusal.ts'
import { type Access, holds, type Identity, type Needed, type Role } from './roles.ts'

/** Something a person typed. */
export interface Said {
  /** The chat's own id of the event: the same for a redelivery, so that it does nothing twice. */
  event: string
  identity: Identity
  target: Target
  /** The card in whose thread it was said. */
  thread?: string
  text: string
  /** Language tags that the platform knows of this person, most wanted first. */
  locales: string[]
}

/** A button pressed or a form sent. */
export interface Clicked {
  event: string
  identity: Identity
  target: Target
  card: string
  action: ActionId
  values?: Record<string, string>
  locales: string[]
}

/** Hands a job over; the same id twice is one job. */
export type Enqueue = (job: {
  id: string
  worker: string
  payload: unknown
  title: string
  path: string
  cluster: string
  requester: Identity
  approvedBy: Identity[]
  card: string
  target: Target
  thread?: string
  language: Language
  node: string
  /** The node's clock, seconds, when the plan was made. */
  since: number
  /** Added to the order of the job's card. */
  orderBase: number
  shows: Field[]
}) => Promise<{ added: boolean; position: number }>

export interface DispatchPorts {
  catalogue: Catalogue
  access: Access
  words: Record<Language, Words>
  clusters: { names: readonly string[]; get(name: string): ProxmoxPort }
  channels: {
    clusterOf(target: Target): string | undefined
    languageOf(target: Target): Language | undefined
    /** Undefined: commands are taken everywhere. */
    taken(): readonly Target[] | undefined
  }
  preferences: Preferences
  jobs: Jobs
  enqueue: Enqueue
  outbox: Outbox
  desk: Desk
  /** How many other people must approve a `destroys`, `endangers`… command. */
  approvals(risk: string): number
  /** What a client's error means to a person; undefined: it is a fault of ours. */
  explain(error: unknown): Refused | Unavailable | undefined
  /** Notes a fault of ours and returns the id under which the log has it. */
  report(error: unknown, about: Record<string, unknown>): string
  hash(value: unknown): string
  now(): number
  defaultTz: string
  /** Milliseconds that a confirmation or approval stays open. */
  decideWithinMs: number
}

/** What a command line has become: checked against the asker's rights, ready to be planned. */
interface Ordered {
  entry: Entry
  given: Given
  cluster: string
  role: Role | undefined
}

const interimAfterMs = 1200
const planWithinMs = 20_000

/** Finds, parses, checks the role, plans, asks for confirmation, hands the job over, and answers. */
export class Dispatch {
  readonly #ports: DispatchPorts

  constructor(ports: DispatchPorts) {
    this.#ports = ports
  }

  /** Takes one line. Whatever happens, its card says so; a redelivered line changes nothing. */
  async say(said: Said): Promise<void> {
    const card = `c-${this.#ports.hash(said.event)}`
    const asker = await this.#asker(said.identity, said.target, said.locales)
    await this.#answered(said, card, asker, { line: said.text }, async () => {
      const taken = this.#ports.channels.taken()
      if (taken && !taken.includes(said.target) && !said.target.startsWith('web:')) {
        throw new Refused('wrong-channel', { channels: taken.join(', ') })
      }
      const tokens = stripped(said.text)
      const found = this.#ports.catalogue.find(tokens)
      if (!found) throw new Refused('empty')
      if ('unknown' in found) throw unknownCommand(found, tokens)
      const given = sort(found.rest, found.entry.command)
      const ordered = await this.#ordered(found.entry, given, said.identity, said.target, said.text)
      await this.#carryOut(ordered, {
        card,
        line: said.text,
        requester: said.identity,
        target: said.target,
        ...(said.thread === undefined ? {} : { thread: said.thread }),
        ...asker,
      })
    })
  }

  /** Takes one click. First click wins; a late, repeated, forged or foreign one is told why it does nothing. */
  async click(clicked: Clicked): Promise<void> {
    const asker = await this.#asker(clicked.identity, clicked.target, clicked.locales)
    const reply = `r-${this.#ports.hash(clicked.event)}`
    const about = { line: clicked.action as string }
    await this.#answered(clicked, reply, asker, about, async () => {
      const pending = await this.#ports.desk.find(clicked.card)
      // What the click is about: its command's own words say why not.
      if (pending) about.line = pending.line
      if (pending) return this.#decide(clicked, pending, asker.language)
      const job = clicked.card === '' ? undefined : await this.#jobOf(clicked.card)
      if (job === undefined) throw new Refused('nothing-waits')
      const role = await this.#ports.access.roleOf(clicked.identity, { cluster: job.cluster, channel: clicked.target })
      const words = this.#ports.words[asker.language]
      const place = { cluster: job.cluster, channel: clicked.target }
      const needs: Role = clicked.action === 'log' ? 'viewer' : 'operator'
      if (!holds(role, needs))
        throw this.#notAllowed(`job ${clicked.action}`, needs, role, clicked.identity, place, words)
      if (clicked.action === 'cancel') {
        if ((await this.#ports.jobs.cancel(job.id, clicked.identity)) === 'ended') {
          throw new Refused('already-ended', { job: job.id })
        }
        return
      }
      if (clicked.action === 'retry') {
        if (!(await this.#ports.jobs.retry(job.id, clicked.identity))) {
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
          order: Order.final,
        })
        return
      }
      throw new Refused('not-a-decision')
    })
  }

  /** Language and time zone of a person: what they set, then the configuration, then the platform, then the channel. */
  async #asker(identity: Identity, target: Target, locales: string[]): Promise<{ language: Language; tz: string }> {
    const person = this.#ports.access.person(identity)
    const set = await this.#ports.preferences.language(identity).catch(() => undefined)
    const language = set ?? person?.language ?? spoken(...locales) ?? this.#ports.channels.languageOf(target) ?? 'en'
    return { language, tz: person?.tz ?? this.#ports.defaultTz }
  }

  /** Runs `work` and turns whatever it throws into one clear message to the asker. */
  async #answered(
    from: { identity: Identity; target: Target; thread?: string },
    card: string,
    asker: { language: Language },
    about: { line: string },
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
      const message = refusalMessage(words, own, error, context)
      if (error.code === 'internal') message.state = 'failed'
      await this.#ports.outbox.put({
        key: card,
        target: from.target,
        ...(from.thread === undefined ? {} : { thread: from.thread }),
        message: from.thread === undefined ? message : { ...message, thread: from.thread },
        order: Order.waiting,
        ...(error instanceof Refused && error.code !== 'internal' ? { onlyTo: from.identity } : {}),
      })
    }
  }

  #own(path: string, language: Language) {
    return this.#ports.catalogue.get(path)?.command.text[language].refusals
  }

  /** Which cluster, and whether this person may. */
  async #ordered(entry: Entry, given: Given, identity: Identity, target: Target, line: string): Promise<Ordered> {
    const { access, clusters, channels } = this.#ports
    const names = clusters.names
    let cluster = given.cluster ?? channels.clusterOf(target) ?? (names.length === 1 ? names[0]! : undefined)
    if (given.cluster !== undefined && !names.includes(given.cluster)) {
      throw new Refused('unknown-cluster', { given: given.cluster, clusters: names.join(', '), first: names[0] ?? '' })
    }
    if (entry.command.cluster === false) cluster ??= ''
    const place = { cluster: cluster || undefined, channel: target }
    const role = await access.roleOf(identity, place)
    const needs = entry.command.role
    if (!holds(role, needs)) {
      const language = (await this.#asker(identity, target, [])).language
      throw this.#notAllowed(entry.path, needs, role, identity, place, this.#ports.words[language])
    }
    if (cluster === undefined) {
      throw new Refused('which-cluster', { clusters: names.join(', '), first: names[0] ?? '', line: short(line) })
    }
    return { entry, given, cluster, role }
  }

  #notAllowed(
    command: string,
    needs: Needed,
    held: Role | undefined,
    identity: Identity,
    place: { cluster?: string | undefined; channel: Target },
    words: Words,
  ): Refused {
    const who = this.#ports.access.whoMay(needs, place)
    if (who.length === 0) return new Refused('no-roles', { command, needs, identity })
    return new Refused('not-allowed', { command, needs, have: held ?? words.say.none, who: who.join(', ') })
  }

  async #carryOut(ordered: Ordered, from: From): Promise<void> {
    const { entry, given } = ordered
    const lacking = missing(given, entry.command)
    if (lacking.length > 0) return this.#ask(ordered, lacking, from)
    const plan = await this.#plan(ordered, from)
    if (plan.kind === 'answer') {
      const message: Message = { state: 'info', ...plan.answer }
      return this.#put(from, message, message.state === 'running' ? Order.interim : Order.waiting)
    }
    if (given.explain) return this.#put(from, this.#explained(plan, from.language), Order.waiting)
    if (plan.kind === 'act') return this.#put(from, { state: 'ok', ...(await plan.act()) }, Order.waiting)
    const risk = entry.command.risk
    if (risk === 'endangers' || risk === 'destroys') return this.#askToConfirm(ordered, plan, from)
    await this.#start(ordered, plan, from, [])
  }

  /** Opens the form for the arguments that are missing, filled with what was given and the defaults. */
  async #ask(ordered: Ordered, lacking: string[], from: From): Promise<void> {
    const { entry, given, cluster } = ordered
    const words = this.#ports.words[from.language]
    const proxmox = entry.command.cluster === false ? undefined : this.#ports.clusters.get(cluster)
    const fields = await form(entry.command, given.values, from.language, proxmox)
    await this.#wait(from.card, { ...this.#pending('form', ordered, from) }, 0)
    await this.#put(
      from,
      {
        title: `/pve ${entry.path}`,
        state: 'waiting',
        text: fill(words.say.formText, { command: entry.path, missing: lacking.join(', ') }),
        form: { id: from.card, fields },
        actions: [
          { id: 'form.submit', label: words.actions['form.submit'], style: 'primary' },
          { id: 'form.cancel', label: words.actions['form.cancel'] },
        ],
      },
      Order.waiting,
    )
  }

  /** The command's own look at the cluster; says that it is reading when that takes long. */
  async #plan(ordered: Ordered, from: From, quiet = false): Promise<Plan> {
    const { entry, cluster } = ordered
    const args = convert(ordered.given, entry.command)
    const words = this.#ports.words[from.language]
    const interim = quiet
      ? undefined
      : setTimeout(() => {
          const message: Message = {
            title: short(from.line),
            state: 'running',
            text: fill(words.say.reading, { cluster }),
          }
          this.#put(from, message, Order.interim).catch((error) => this.#ports.report(error, { card: from.card }))
        }, interimAfterMs)
    const own = entry.command.text[from.language]
    try {
      return await entry.command.plan({
        args,
        proxmox: entry.command.cluster === false ? (undefined as never) : this.#ports.clusters.get(cluster),
        cluster,
        asker: { identity: from.requester, role: ordered.role, language: from.language, tz: from.tz },
        channel: from.target,
        path: entry.path,
        say: (key, values) => fill((own.words as Record<string, string> | undefined)?.[key] ?? `{${key}}`, values),
        house: {
          catalogue: this.#ports.catalogue,
          access: this.#ports.access,
          jobs: this.#ports.jobs,
          preferences: this.#ports.preferences,
          clusters: this.#ports.clusters.names,
          words: this.#ports.words,
        },
        signal: AbortSignal.timeout(planWithinMs),
      })
    } finally {
      clearTimeout(interim)
    }
  }

  #explained(plan: RunPlan | ActPlan, language: Language): Message {
    const { say } = this.#ports.words[language]
    return {
      title: fill(say.wouldRun, { title: plan.title }),
      state: 'info',
      text: say.explainText,
      fields: [
        ...plan.shows,
        ...warningFields(plan, say.warning),
        { name: say.byShell, value: plan.explain.shell.join('\n') },
        { name: say.byClicks, value: plan.explain.clicks.map((click, i) => `${i + 1}. ${click}`).join('\n') },
      ].filter(({ value }) => value !== ''),
    }
  }

  #planHash(ordered: Ordered, plan: RunPlan): string {
    const worker = this.#ports.catalogue.workerName(plan.job.worker)
    return this.#ports.hash({ worker, payload: plan.job.payload, cluster: ordered.cluster, state: plan.state })
  }

  #pending(kind: Pending['kind'], ordered: Ordered, from: From): Pending {
    return {
      kind,
      path: ordered.entry.path,
      values: ordered.given.values,
      line: from.line,
      ...(ordered.cluster === '' ? {} : { cluster: ordered.cluster }),
      explain: ordered.given.explain,
      requester: from.requester,
      target: from.target,
      ...(from.thread === undefined ? {} : { thread: from.thread }),
      language: from.language,
      tz: from.tz,
      approvedBy: [],
      expiresAt: this.#ports.now() + this.#ports.decideWithinMs,
      version: 1,
    }
  }

  /** Keeps what waits; a redelivery finds it kept already, which is as good. */
  async #wait(card: string, pending: Pending, version: number): Promise<void> {
    await this.#ports.desk.keep(card, { ...pending, version: version + 1 }, version)
  }

  async #askToConfirm(ordered: Ordered, plan: RunPlan, from: From, changed = false, version = 0): Promise<void> {
    const words = this.#ports.words[from.language]
    const pending = this.#pending('confirm', ordered, from)
    pending.plan = this.#planHash(ordered, plan)
    await this.#wait(from.card, pending, version)
    const destroys = ordered.entry.command.risk === 'destroys'
    const says = fill(words.say.confirmText, {
      asker: nameOf(this.#ports.access, from.requester),
      minutes: Math.round(this.#ports.decideWithinMs / 60_000),
    })
    await this.#put(
      from,
      {
        title: plan.title,
        state: 'waiting',
        text: changed ? `${words.say.changedText}\n${says}` : says,
        fields: [...plan.shows, ...warningFields(plan, words.say.warning)],
        actions: [
          { id: 'confirm', label: words.actions.confirm, style: destroys ? 'danger' : 'primary' },
          { id: 'cancel', label: words.actions.cancel },
        ],
      },
      Order.waiting,
    )
  }

  async #start(ordered: Ordered, plan: RunPlan, from: From, approvedBy: Identity[]): Promise<void> {
    const { catalogue, clusters } = this.#ports
    const words = this.#ports.words[from.language]
    const id = `j-${from.card.replace(/^[a-z]-/, '')}`
    const since = await clusters.get(ordered.cluster).nodeTime(plan.node)
    const shows = [...plan.shows, ...warningFields(plan, words.say.warning)]
    if (approvedBy.length > 0) {
      const who = approvedBy.map((identity) => nameOf(this.#ports.access, identity)).join(', ')
      shows.push({ name: words.actions.approve, value: fill(words.say.approvedBy, { who }) })
    }
    // The card goes first: a job without a card would work unseen, a card without a job is made whole by redelivery.
    await this.#put(
      from,
      {
        title: plan.title,
        state: 'queued',
        fields: shows,
        job: id,
        actions: [{ id: 'cancel', label: words.actions.cancel }],
      },
      Order.queued,
    )
    await this.#ports.enqueue({
      id,
      worker: catalogue.workerName(plan.job.worker),
      payload: plan.job.payload,
      title: plan.title,
      path: ordered.entry.path,
      cluster: ordered.cluster,
      requester: from.requester,
      approvedBy,
      card: from.card,
      target: from.target,
      ...(from.thread === undefined ? {} : { thread: from.thread }),
      language: from.language,
      node: plan.node,
      since,
      orderBase: 0,
      shows,
    })
  }

  async #decide(clicked: Clicked, pending: Pending, language: Language): Promise<void> {
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
        await this.#put(
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
    if (!wanted[pending.kind].includes(clicked.action)) throw new Refused('not-a-decision')
    if ((requesterOnly || (drop && role !== 'admin')) && !own) {
      throw new Refused('not-yours', { who: nameOf(access, pending.requester), line: pending.line })
    }
    if (!holds(role, needs)) {
      throw this.#notAllowed(pending.path, needs, role, clicked.identity, place, this.#ports.words[language])
    }
    const who = nameOf(access, clicked.identity)
    if (drop || clicked.action === 'reject') {
      if (!(await desk.take(clicked.card, pending.version))) throw new Refused('nothing-waits')
      const [title, text] = drop
        ? [words.say.droppedTitle, words.say.droppedText]
        : [words.say.rejectedTitle, words.say.rejectedText]
      const message: Message = {
        title: fill(title, { title: short(pending.line) }),
        state: 'warning',
        text: fill(text, { who }),
      }
      return this.#put(from, message, Order.decided)
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
    const plan = await this.#plan(ordered, from, true)
    if (!(await this.#ports.desk.take(from.card, pending.version))) throw new Refused('nothing-waits')
    if (plan.kind === 'answer') return this.#put(from, { state: 'info', ...plan.answer }, Order.decided)
    if (ordered.given.explain) return this.#put(from, this.#explained(plan, from.language), Order.decided)
    if (plan.kind === 'act') return this.#put(from, { state: 'ok', ...(await plan.act()) }, Order.decided)
    const risk = ordered.entry.command.risk
    if (risk === 'endangers' || risk === 'destroys') return this.#askToConfirm(ordered, plan, from)
    await this.#start(ordered, plan, from, [])
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
      throw this.#notAllowed(pending.path, ordered.entry.command.role, requesterRole, pending.requester, place, words)
    }
    const plan = await this.#plan(ordered, from, true)
    if (plan.kind !== 'run') {
      await desk.take(from.card, pending.version)
      const message = plan.kind === 'answer' ? plan.answer : await plan.act()
      return this.#put(from, { state: 'info', ...message }, Order.decided)
    }
    if (this.#planHash(ordered, plan) !== pending.plan) {
      return this.#askToConfirm(ordered, plan, from, true, pending.version)
    }
    const approvedBy = clicked.action === 'approve' ? distinct(access, [...pending.approvedBy, clicked.identity]) : []
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
    await this.#start(ordered, plan, from, approvedBy)
    await desk.take(from.card, pending.version)
  }

  async #askToApprove(ordered: Ordered, plan: RunPlan, from: From, count: number): Promise<void> {
    const { access } = this.#ports
    const words = this.#ports.words[from.language]
    const needs = ordered.entry.command.role
    const who = access
      .whoMay(needs, { cluster: ordered.cluster, channel: from.target })
      .filter((id) => !access.samePerson(id, from.requester))
    await this.#put(
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

  async #jobOf(card: string) {
    return (await this.#ports.jobs.ofCard(card)) ?? undefined
  }

  async #put(from: From, message: Message, order: number): Promise<void> {
    await this.#ports.outbox.put({
      key: from.card,
      target: from.target,
      ...(from.thread === undefined ? {} : { thread: from.thread }),
      message: from.thread === undefined ? message : { ...message, thread: from.thread },
      order,
    })
  }
}

interface From {
  card: string
  line: string
  requester: Identity
  target: Target
  thread?: string
  language: Language
  tz: string
}

/** The line's tokens without the leading `/pve`. */
function stripped(text: string) {
  const tokens = tokenize(text)
  const first = tokens[0]
  if (!first) return tokens
  if (first.text === '/pve') return tokens.slice(1)
  if (first.text.startsWith('/') && first.text.length > 1)
    return [{ ...first, text: first.text.slice(1) }, ...tokens.slice(1)]
  return tokens
}

function pathOf(catalogue: Catalogue, line: string): string | undefined {
  try {
    const found = catalogue.find(stripped(line))
    return found && 'entry' in found ? found.entry.path : undefined
  } catch {
    return undefined
  }
}

/** The next step is the whole line with the likeliest command in it, ready to be sent. */
function unknownCommand(found: { unknown: string; near: string[] }, tokens: readonly Token[]): Refused {
  const given = found.unknown.slice(0, 80)
  if (found.near.length === 0) return new Refused('unknown-command', { given })
  const rest = tokens.slice(found.unknown.split(' ').length).map(({ text }) => (/\s/.test(text) ? `"${text}"` : text))
  const first = short([found.near[0]!, ...rest].join(' '))
  return new Refused('unknown-command-near', { given, near: found.near.join(', '), first })
}

const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 150 ? `${line.slice(0, 149)}…` : line
}

const warningFields = (plan: RunPlan | ActPlan, name: string): Field[] =>
  plan.warnings.map((value) => ({ name, value }))

const nameOf = (access: Access, identity: Identity): string => access.person(identity)?.name ?? identity

/** One entry per human. */
const distinct = (access: Access, identities: Identity[]): Identity[] =>
  identities.filter((identity, i) => identities.findIndex((other) => access.samePerson(other, identity)) === i)

/** A form's values over what was typed; an empty field is an argument left out. */
function merged(typed: Record<string, string>, sent: Record<string, string>): Record<string, string> {
  const values = { ...typed, ...sent }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ''))
}

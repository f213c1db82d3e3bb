import type { ZodType } from 'zod'
import type { AuditEntry } from './audit.ts'
import type { Entry } from './catalogue.ts'
import { type ActPlan, approvalClasses, type Plan, type RunPlan } from './command.ts'
import type { Pending } from './desk.ts'
import { Refused } from './errors.ts'
import type { DispatchPorts, Said } from './events.ts'
import { form } from './form.ts'
import { fill, type Language, spoken } from './language.ts'
import { short, stripped, unknownCommand } from './line.ts'
import type { Field, Message, Target } from './message.ts'
import { Order } from './outbox.ts'
import { convert, type Given, missing, sort } from './parse.ts'
import { locate, poolsIn, poolsNow, reachOf, seen, type Within } from './pools.ts'
import type { ProxmoxPort, Words } from './ports.ts'
import { type Access, holds, type Identity, type Needed, type Place, type Role } from './roles.ts'

/** What a command line has become: checked against the asker's rights, ready to be planned. */
export interface Ordered {
  entry: Entry
  given: Given
  cluster: string
  role: Role | undefined
  /** The asker's role is limited to these pools. */
  pools?: readonly string[] | undefined
  /** Where it acts, once that has been looked at. */
  within?: Within | undefined
}

/** The card that answers a line, and whose line it was. */
export interface From {
  card: string
  line: string
  requester: Identity
  target: Target
  thread?: string
  language: Language
  tz: string
}

/** Who agreed to an order, and where; `alone`: its requester twice, having nobody to ask. */
export interface Decided {
  approvedBy: Identity[]
  approvedIn?: Record<Identity, Target>
  alone?: true
}

const interimAfterMs = 1200
const planWithinMs = 20_000

/** From a command line to what it brings about: rights, plan, form, confirmation, job. */
export class Planning {
  readonly #ports: DispatchPorts

  constructor(ports: DispatchPorts) {
    this.#ports = ports
  }

  /** Language and time zone of a person: what they set, then the configuration, then the platform, then the channel. */
  async asker(identity: Identity, target: Target, locales: string[]): Promise<{ language: Language; tz: string }> {
    const person = this.#ports.access.person(identity)
    const set = await this.#ports.preferences.language(identity).catch(() => undefined)
    const language = set ?? person?.language ?? spoken(...locales) ?? this.#ports.channels.languageOf(target) ?? 'en'
    return { language, tz: person?.tz ?? this.#ports.defaultTz }
  }

  /**
   * What a line orders: its command, its arguments, and whether this person may here.
   * @throws Refused
   */
  async order(said: Said): Promise<Ordered> {
    const taken = this.#ports.channels.taken()
    if (taken && !taken.includes(said.target) && !said.target.startsWith('web:')) {
      throw new Refused('wrong-channel', { channels: taken.join(', ') })
    }
    const tokens = stripped(said.text)
    const found = this.#ports.catalogue.find(tokens)
    if (!found) throw new Refused('empty')
    if ('unknown' in found) throw unknownCommand(found, tokens)
    const given = sort(found.rest, found.entry.command)
    return this.ordered(found.entry, given, said.identity, said.target, said.text)
  }

  /** The card that answers an event. */
  cardOf = (event: string): string => `c-${this.#ports.hash(event)}`

  from(said: Said, asker: { language: Language; tz: string }): From {
    return {
      card: this.cardOf(said.event),
      line: said.text,
      requester: said.identity,
      target: said.target,
      ...(said.thread === undefined ? {} : { thread: said.thread }),
      ...asker,
    }
  }

  /** Which cluster, and whether this person may. */
  async ordered(entry: Entry, given: Given, identity: Identity, target: Target, line: string): Promise<Ordered> {
    const { access, clusters, channels } = this.#ports
    const names = clusters.names
    let cluster = given.cluster ?? channels.clusterOf(target) ?? (names.length === 1 ? names[0]! : undefined)
    if (given.cluster !== undefined && !names.includes(given.cluster)) {
      throw new Refused('unknown-cluster', { given: given.cluster, clusters: names.join(', '), first: names[0] ?? '' })
    }
    if (entry.command.cluster === false) cluster ??= ''
    const place = { cluster: cluster || undefined, channel: target }
    const { role, pools } = await reachOf(access, entry.command, identity, place)
    const needs = entry.command.role
    if (!holds(role, needs) && pools === undefined) {
      const language = (await this.asker(identity, target, [])).language
      throw this.notAllowed(entry.path, needs, role, identity, place, this.#ports.words[language])
    }
    if (cluster === undefined) {
      throw new Refused('which-cluster', { clusters: names.join(', '), first: names[0] ?? '', line: short(line) })
    }
    return { entry, given, cluster, role, pools }
  }

  /** The role that somebody holds where a waiting order acts, as the cluster is now. */
  async roleWithin(
    needs: Needed,
    identity: Identity,
    place: Place,
    within: Within | undefined,
  ): Promise<Role | undefined> {
    const { access, clusters } = this.#ports
    const role = await access.roleOf(identity, place)
    if (holds(role, needs) || within === undefined || place.cluster === undefined) return role
    return access.roleOf(identity, { ...place, pools: await poolsNow(within, clusters.get(place.cluster)) })
  }

  /**
   * Looks where an order acts, if anybody's role is limited to pools, and holds the asker to theirs.
   * @throws Refused
   */
  async located(ordered: Ordered, from: Pick<From, 'requester' | 'target'>): Promise<Ordered> {
    const { access, clusters, words } = this.#ports
    const { entry, given, cluster, pools: limit } = ordered
    const { pools: names, role: needs, args } = entry.command
    if (!access.knowsPools || !Array.isArray(names)) return ordered
    const shape = args.shape as Record<string, ZodType>
    const signal = AbortSignal.timeout(planWithinMs)
    const found = await locate(clusters.get(cluster), { names, shape, values: given.values, cluster, signal, limit })
    if (found === undefined) return ordered
    const place = { cluster, channel: from.target, pools: poolsIn(found.within) }
    const role = limit === undefined ? ordered.role : await access.roleOf(from.requester, place)
    if (!holds(role, needs)) {
      const { language } = await this.asker(from.requester, from.target, [])
      throw this.notAllowed(entry.path, needs, role, from.requester, place, words[language])
    }
    return { ...ordered, role, within: found.within, given: { ...given, values: found.values } }
  }

  notAllowed(
    command: string,
    needs: Needed,
    held: Role | undefined,
    identity: Identity,
    place: Place,
    words: Words,
  ): Refused {
    const who = this.#ports.access.whoMay(needs, place)
    if (who.length === 0) return new Refused('no-roles', { command, needs, identity })
    return new Refused('not-allowed', { command, needs, have: held ?? words.say.none, who: who.join(', ') })
  }

  async carryOut(line: Ordered, from: From): Promise<void> {
    const { entry, given } = line
    const lacking = missing(given, entry.command)
    if (lacking.length > 0) return this.#ask(line, lacking, from)
    // What is typed wrong is told before the cluster is asked where it would act.
    convert(given, entry.command)
    const ordered = await this.located(line, from)
    const plan = await this.plan(ordered, from)
    if (plan.kind === 'answer') {
      const message: Message = { state: 'info', ...plan.answer }
      return this.put(from, message, message.state === 'running' ? Order.interim : Order.waiting)
    }
    if (given.explain) return this.put(from, this.explained(plan, from.language), Order.waiting)
    await this.audit('asked', ordered, from, { plan: this.planned(ordered, plan) })
    if (approvalClasses(entry.command, plan).length > 0) return this.askToConfirm(ordered, plan, from)
    if (plan.kind === 'act') {
      return this.put(from, { state: 'ok', ...(await plan.act(from.card)) }, Order.waiting)
    }
    await this.start(ordered, plan, from)
  }

  /** Opens the form for the arguments that are missing, filled with what was given and the defaults. */
  async #ask(ordered: Ordered, lacking: string[], from: From): Promise<void> {
    const { entry, given, cluster } = ordered
    const words = this.#ports.words[from.language]
    const proxmox = entry.command.cluster === false ? undefined : seen(this.#ports.clusters.get(cluster), ordered.pools)
    const fields = await form(entry.command, given.values, from.language, proxmox)
    if (!(await this.keepForm(ordered, from))) return
    const asks = await this.#shown(
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
    // Somebody filled it in before this line was worked through: nothing waits any more.
    if (!asks) await this.#ports.desk.take(from.card, 1)
  }

  /** Keeps the form, so that it can be sent; doing it again changes nothing. False: something else waits there by now. */
  async keepForm(ordered: Ordered, from: From): Promise<boolean> {
    return this.#wait(from.card, this.#pending('form', ordered, from), 0)
  }

  /** The command's own look at the cluster; says that it is reading when that takes long. */
  async plan(ordered: Ordered, from: From, quiet = false): Promise<Plan> {
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
          this.put(from, message, Order.interim).catch((error) => this.#ports.report(error, { card: from.card }))
        }, interimAfterMs)
    const own = entry.command.text[from.language]
    try {
      const plan = await entry.command.plan({
        args,
        proxmox: entry.command.cluster === false ? (undefined as never) : this.#seenBy(ordered),
        cluster,
        asker: {
          identity: from.requester,
          role: ordered.role,
          pools: ordered.pools,
          language: from.language,
          tz: from.tz,
        },
        channel: from.target,
        path: entry.path,
        say: (key, values) => fill((own.words as Record<string, string> | undefined)?.[key] ?? `{${key}}`, values),
        house: {
          catalogue: this.#ports.catalogue,
          access: this.#ports.access,
          jobs: this.#ports.jobs,
          preferences: this.#ports.preferences,
          doctor: this.#ports.doctor,
          trail: this.#ports.trail,
          drafts: this.#ports.drafts,
          blueprints: this.#ports.blueprints,
          installs: this.#ports.installs,
          explainLine: this.#ports.explainLine,
          incidents: this.#ports.incidents,
          oncall: this.#ports.oncall,
          drills: this.#ports.drills,
          clusters: this.#ports.clusters.names,
          ownTokens: this.#ports.ownTokens,
          lookAtHosts: this.#ports.lookAtHosts,
          hosts: this.#ports.hosts,
          words: this.#ports.words,
        },
        signal: AbortSignal.timeout(planWithinMs),
      })
      if (plan.kind === 'run' && plan.role && !holds(ordered.role, plan.role)) {
        const place = { cluster, channel: from.target }
        throw this.notAllowed(entry.path, plan.role, ordered.role, from.requester, place, words)
      }
      return plan
    } finally {
      clearTimeout(interim)
    }
  }

  /** Lists are confined to the asker's pools; what acts sees all, since its looks keep others from harm. */
  #seenBy({ entry, cluster, pools }: Ordered): ProxmoxPort {
    const proxmox = this.#ports.clusters.get(cluster)
    return entry.command.pools === 'shown' ? seen(proxmox, pools) : proxmox
  }

  explained(plan: RunPlan | ActPlan, language: Language): Message {
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

  /** Writes down what is wanted or was decided; nothing may come of it before that. */
  async audit(
    kind: AuditEntry['kind'],
    ordered: Pick<Ordered, 'entry' | 'cluster'>,
    from: From,
    more: Partial<AuditEntry> = {},
  ): Promise<void> {
    await this.#ports.audit({
      kind,
      who: from.requester,
      target: from.target,
      cluster: ordered.cluster || undefined,
      card: from.card,
      path: ordered.entry.path,
      line: from.line,
      ...more,
    })
  }

  /** A plan as the audit trail has it. */
  planned(ordered: Ordered, plan: RunPlan | ActPlan): NonNullable<AuditEntry['plan']> {
    const { title, shows } = plan
    return { title, hash: this.planHash(ordered, plan), fields: shows }
  }

  planHash(ordered: Ordered, plan: RunPlan | ActPlan): string {
    const risk = plan.risk === undefined ? {} : { risk: plan.risk }
    if (plan.kind === 'act')
      return this.#ports.hash({ values: ordered.given.values, state: plan.state ?? null, ...risk })
    const worker = this.#ports.catalogue.workerName(plan.job.worker)
    return this.#ports.hash({ worker, payload: plan.job.payload, cluster: ordered.cluster, state: plan.state, ...risk })
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
      ...(ordered.within === undefined ? {} : { within: ordered.within }),
      ...(ordered.pools === undefined ? {} : { pools: ordered.pools }),
      expiresAt: this.#ports.now() + this.#ports.decideWithinMs,
      version: 1,
    }
  }

  /**
   * Keeps what waits; a redelivery finds it kept already, which is as good. False: something else waits on this card by
   * now, which must not be taken back.
   */
  async #wait(card: string, pending: Pending, version: number): Promise<boolean> {
    const { desk } = this.#ports
    if (await desk.keep(card, { ...pending, version: version + 1 }, version)) return true
    const there = await desk.find(card)
    return there?.kind === pending.kind && there.version === version + 1
  }

  async askToConfirm(
    ordered: Ordered,
    plan: RunPlan | ActPlan,
    from: From,
    changed = false,
    version = 0,
  ): Promise<void> {
    const words = this.#ports.words[from.language]
    const pending = this.#pending('confirm', ordered, from)
    pending.plan = this.planHash(ordered, plan)
    if (!(await this.#wait(from.card, pending, version))) return
    const destroys = approvalClasses(ordered.entry.command, plan).some((of) => of !== 'endangers')
    const says = fill(words.say.confirmText, {
      asker: nameOf(this.#ports.access, from.requester),
      minutes: Math.round(this.#ports.decideWithinMs / 60_000),
    })
    const asks = await this.#shown(
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
    // It was decided before, and this is a redelivery.
    if (!asks) await this.#ports.desk.take(from.card, version + 1)
  }

  /** @param decided by whom it was agreed to; what the card shows of that */
  async start(ordered: Ordered, plan: RunPlan, from: From, decided: Decided = { approvedBy: [] }): Promise<void> {
    const { approvedBy, approvedIn } = decided
    const { catalogue, clusters } = this.#ports
    const words = this.#ports.words[from.language]
    const id = `j-${from.card.replace(/^[a-z]-/, '')}`
    const since = await clusters.get(ordered.cluster).nodeTime(plan.node)
    const shows = [...plan.shows, ...warningFields(plan, words.say.warning)]
    if (approvedBy.length > 0) {
      const who = approvedBy.map((identity) => nameOf(this.#ports.access, identity)).join(', ')
      shows.push({ name: words.actions.approve, value: fill(words.say.approvedBy, { who }) })
    } else if (decided.alone) {
      const who = nameOf(this.#ports.access, from.requester)
      shows.push({ name: words.actions.approve, value: fill(words.say.soloConfirmed, { who }) })
    }
    const written = { plan: this.planned(ordered, plan), approvals: approvedBy, job: id }
    await this.audit('ordered', ordered, from, written)
    // The card goes first: a job without a card would work unseen, a card without a job is made whole by redelivery.
    await this.put(
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
      ...(plan.role === undefined ? {} : { role: plan.role }),
      title: plan.title,
      path: ordered.entry.path,
      line: from.line,
      cluster: ordered.cluster,
      requester: from.requester,
      approvedBy,
      ...(approvedIn === undefined ? {} : { approvedIn }),
      ...(ordered.within === undefined ? {} : { within: ordered.within }),
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

  async put(from: From, message: Message, order: number): Promise<void> {
    await this.#shown(from, message, order)
  }

  /** False when the card is further on already. */
  async #shown(from: From, message: Message, order: number): Promise<boolean> {
    return this.#ports.outbox.put({
      key: from.card,
      target: from.target,
      ...(from.thread === undefined ? {} : { thread: from.thread }),
      message: from.thread === undefined ? message : { ...message, thread: from.thread },
      language: from.language,
      order,
    })
  }
}

export const warningFields = (plan: RunPlan | ActPlan, name: string): Field[] =>
  plan.warnings.map((value) => ({ name, value }))

export const nameOf = (access: Access, identity: Identity): string => access.person(identity)?.name ?? identity

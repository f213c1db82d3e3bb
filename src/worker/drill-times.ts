import { explainer, type House, openIncidents, openViews, words } from '../app.ts'
import type { Config, Environment } from '../config.ts'
import { drillFacts } from '../core/drill-facts.ts'
import { victimOf } from '../core/drill-order.ts'
import { overdueCard } from '../core/drill-overdue.ts'
import { type DrillSchedule, noticeOf, type SkipCode, type TickEnd } from '../core/drill-schedule.ts'
import { endCard, noticeCard, overCard, waitingCard } from '../core/drill-times.ts'
import type { DrillGround } from '../core/drills.ts'
import type { OrderedJob } from '../core/events.ts'
import { tellFate } from '../core/fate.ts'
import { findNode } from '../core/find.ts'
import { readHa } from '../core/ha.ts'
import { readerOf } from '../core/incident.ts'
import type { Reader } from '../core/incident-card.ts'
import { fill } from '../core/language.ts'
import type { Message, Target } from '../core/message.ts'
import { Order } from '../core/outbox.ts'
import { stillAllowed } from '../core/still-allowed.ts'
import { openHomes } from '../doctor.ts'
import { mayPass, othersAtWork, standsAgainst } from '../ha/drill-changes.ts'
import { type DrillPlan, drillPlanOf } from '../ha/drill-plan.ts'
import type { DrillKind } from '../ha/impact.ts'
import { provenGroups } from '../ha/proven.ts'
import { DrillKeeper, type Judged } from '../jobs/drill-keeper.ts'
import { type DrillSchedules, graceMs } from '../jobs/drill-schedules.ts'
import type { JobDesk } from '../jobs/job-desk.ts'
import { openOncall } from '../oncall.ts'

const lookWithinMs = 20_000

interface Parts {
  config: Config
  environment: Environment
  lab?: boolean
  schedules: DrillSchedules
  drills: DrillGround
  desk: JobDesk
  /** Milliseconds; the machine's own clock unless a test keeps another. */
  now?: () => number
}

/** Runs the drills that come again, in every worker: announced, held against what was approved, and told whatever comes of it. */
export async function keepDrillTimes(house: House, parts: Parts): Promise<DrillKeeper> {
  const times = new DrillTimes(house, parts)
  return new DrillKeeper({
    ...house,
    redis: house.patient,
    schedules: parts.schedules,
    clusters: parts.config.clusters.map(({ name }) => name),
    now: parts.now ?? Date.now,
    trail: (schedule, at) => times.trail(schedule, at),
    judge: (schedule, at) => times.judge(schedule, at),
    order: (schedule, at, end) => times.order(schedule, at, end),
    announce: (schedule, at) => times.show(schedule, at, Order.waiting, (reader) => noticeCard(schedule, at, reader)),
    waits: (schedule, at, against) =>
      times.show(schedule, at, Order.decided, (reader) => waitingCard(schedule, at, against, reader)),
    tell: (schedule, at, end) => times.tell(schedule, at, end),
    tellEnd: (schedule) => times.tellEnd(schedule),
    ...(parts.config.drills.remind === 'weekly'
      ? { remind: { tz: parts.config.oncall.tz, tell: (cluster) => times.tellOverdue(cluster) } }
      : {}),
  }).start()
}

class DrillTimes {
  readonly #house: House
  readonly #parts: Parts
  readonly #views: ReturnType<typeof openViews>
  readonly #posts: ReturnType<typeof openIncidents>['posts']
  readonly #asked: Parameters<typeof drillFacts>[1]['house']
  readonly #oncall: ReturnType<typeof openOncall>
  readonly #now: () => number

  constructor(house: House, parts: Parts) {
    const { incidents, posts } = openIncidents(house, parts.lab === true)
    this.#house = house
    this.#parts = parts
    this.#now = parts.now ?? Date.now
    this.#posts = posts
    this.#views = openViews(parts.config)
    this.#oncall = openOncall(house)
    this.#asked = { jobs: parts.desk, incidents, doctor: openHomes(parts.environment), drills: parts.drills }
  }

  #jobOf = ({ cluster, id }: DrillSchedule, at: number) => `j-${this.#house.seal.name(['drill', cluster, id, at])}`

  /** The trail is what nobody can take back: whole, with the approval in it, and with nothing that takes it away. */
  async trail({ id, job, approvedBy }: DrillSchedule, at: number) {
    const { audit } = this.#house
    if ((await audit.trail.verify()).faults.length > 0) return { code: 'trail' as const }
    let isProven = false
    for await (const kept of audit.log.entries()) {
      const record = audit.chain.open(kept)
      if (!record) continue
      const { kind, path, result, who } = record
      if (kind === 'ordered' && record.job === job) {
        const approvals = record.approvals?.map(({ identity }) => identity) ?? []
        isProven = path === 'drill schedule' && approvedBy.every((one) => approvals.includes(one))
      }
      if (kind !== 'rejected' || who === undefined) continue
      const isTakenBack = path === 'drill unschedule' ? result === id : result === `${id}@${at}`
      if (isTakenBack && path?.startsWith('drill ')) return { code: 'vetoed' as const, by: who.identity }
    }
    return isProven ? undefined : { code: 'unproven' as const }
  }

  async judge(schedule: DrillSchedule, at: number): Promise<Judged> {
    const { house, cluster } = { house: this.#house, cluster: schedule.cluster }
    const not = (code: SkipCode, about = '') => ({ against: [{ code, about }], mayPass: mayPass([{ code, about }]) })
    try {
      if (await stillAllowed({ ...house, proxmox: this.#views }, this.#asJob(schedule, at))) return not('rights')
      const now = this.#now()
      const others = othersAtWork(await this.#oncall.windows(), cluster, now)
      if (others.length > 0) {
        return not('maintenance', others.map(({ id, node, why }) => `${node ?? cluster} ${why ?? id}`).join(', '))
      }
      return await this.#planned(schedule, at)
    } catch (error) {
      const said = explainer(this.#parts.config)(error, cluster)
      return not('unseen', said?.code ?? house.report(error, { drill: schedule.id }))
    }
  }

  async #planned(schedule: DrillSchedule, at: number): Promise<Judged> {
    const { cluster, order, approved } = schedule
    const said = words[schedule.language].ha
    const signal = AbortSignal.timeout(lookWithinMs)
    const proxmox = this.#views.get(cluster)
    const { nodes } = await proxmox.resources({ signal })
    const node = findNode(nodes, order.node, cluster).name
    const facts = await drillFacts(proxmox, { ...order, house: this.#asked, cluster, node, signal })
    const plan = drillPlanOf(facts, { ...order, kind: order.kind as DrillKind })
    const against = standsAgainst(plan, approved, {
      outcome: (name) => fill(said.impact.outcomes[name as keyof typeof said.impact.outcomes], { node, to: '…' }),
      gate: (code) => fill(said.drill.unmet[code], { node, accept: '…' }),
    })
    if (against.length > 0) return { against, mayPass: mayPass(against) }
    const observer = nodes.find(({ name, status }) => name !== node && status === 'online')?.name ?? node
    const since = await proxmox.nodeTime(observer)
    return { how: 'ran', job: this.#jobOf(schedule, at), ...this.#card(schedule, plan), node: observer, since }
  }

  #card({ order, language, when, id }: DrillSchedule, { impact }: DrillPlan) {
    const { ha } = words[language]
    const kind = ha.impact.kinds[order.kind as DrillKind]
    const told = impact.fates.filter(({ outcome }) => outcome !== 'off')
    return {
      title: `${ha.drill.labels.drill}: ${victimOf(order)}, ${kind}`,
      shows: [
        { name: ha.drill.times.id, value: `${id}: ${when}` },
        ...told.map((fate) => ({ name: `${fate.name} (${fate.sid})`, value: tellFate(fate, words[language])[0] })),
      ],
    }
  }

  /** Title, fields and the node's clock are the plan's. */
  #asJob(schedule: DrillSchedule, at: number): OrderedJob {
    const { cluster, requester, approvedBy, approvedIn, target, language, line, order } = schedule
    const id = this.#jobOf(schedule, at)
    return {
      id,
      worker: 'drill',
      payload: order,
      path: 'drill schedule',
      line,
      cluster,
      requester,
      approvedBy,
      ...(approvedIn === undefined ? {} : { approvedIn }),
      card: `c-${id.slice(2)}`,
      target,
      language,
      orderBase: 0,
      title: '',
      shows: [],
      node: '',
      since: 0,
    }
  }

  async order(schedule: DrillSchedule, at: number, end: TickEnd & { how: 'ran' }): Promise<boolean> {
    const { runs, audit, outbox } = this.#house
    if (await runs.record(end.job)) return true
    const isLate = this.#now() > at + schedule.withinMs + graceMs
    if (isLate || (await this.#isOrdered(end.job))) return false
    const { title, shows, node, since } = end
    const job: OrderedJob = { ...this.#asJob(schedule, at), title, shows, node, since }
    const { requester: who, target, cluster, card, path, line, approvedBy: approvals, language } = job
    const plan = { title, hash: this.#house.seal.name(job.payload), fields: shows }
    await audit.log.append({ kind: 'ordered', who, target, cluster, card, path, line, plan, approvals, job: end.job })
    const message: Message = { title, state: 'queued', fields: shows, job: end.job }
    await outbox.put({ key: card, target, language, message, order: Order.queued })
    await this.#parts.desk.enqueue(job)
    return true
  }

  async #isOrdered(job: string): Promise<boolean> {
    const { trail } = this.#house.audit
    const found = await trail.list((record) => record.kind === 'ordered' && record.job === job, 1)
    return found.some(({ record }) => record?.job === job)
  }

  /** The cluster's channels, and where it was scheduled. */
  #readers({ cluster, target, language, tz }: DrillSchedule): { target: Target; reader: Reader }[] {
    const posts = this.#posts(cluster)
    if (posts.some((post) => post.target === target)) return [...posts]
    return [...posts, { target, reader: readerOf(words, this.#house.access, { language, tz }) }]
  }

  async show(schedule: DrillSchedule, at: number, order: number, card: (reader: Reader) => Message): Promise<void> {
    for (const { target, reader } of this.#readers(schedule)) {
      const key = `${noticeOf(schedule, at)}~${this.#house.seal.name(target).slice(0, 8)}`
      await this.#house.outbox.put({ key, target, message: card(reader), language: reader.language, order })
    }
  }

  /** On the card that announced it, and as a line in its thread, so that who waits is told. */
  async tell(schedule: DrillSchedule, at: number, end: TickEnd): Promise<void> {
    const next = this.#parts.schedules.next(schedule, Math.max(at, this.#now()))
    await this.show(schedule, at, Order.final, (reader) => endCard(schedule, { at, end, next }, reader))
    for (const { target, reader } of this.#readers(schedule)) {
      const name = this.#house.seal.name(target).slice(0, 8)
      const thread = `${noticeOf(schedule, at)}~${name}`
      const message = { ...endCard(schedule, { at, end, next }, reader), thread }
      const key = `told-${schedule.id}.${at}~${name}`
      await this.#house.outbox.put({ key, target, thread, message, language: reader.language, order: Order.final })
    }
  }

  async tellEnd(schedule: DrillSchedule): Promise<void> {
    const { target, language } = schedule
    const message = overCard(schedule, { words: words[language] })
    await this.#house.outbox.put({ key: `over-${schedule.id}`, target, message, language, order: Order.final })
  }

  /** At most once a week, whoever asks: the week is in the key of the message. */
  async tellOverdue(cluster: string): Promise<void> {
    const { drills, outbox, seal } = { ...this.#house, drills: this.#parts.drills }
    const site = await readHa(this.#views.get(cluster), AbortSignal.timeout(lookWithinMs))
    const withinSeconds = drills.provenWithinMs / 1000
    const groups = provenGroups(site, await drills.list(cluster), { nowSeconds: this.#now() / 1000, withinSeconds })
    if (!groups.some(({ overdue }) => overdue)) return
    const week = Math.floor((this.#now() / 86_400_000 + 3) / 7)
    for (const { target, reader } of this.#posts(cluster)) {
      const message = overdueCard(groups, withinSeconds / 86_400, reader)
      const key = `overdue-${seal.name([cluster, week, target]).slice(0, 12)}`
      await outbox.put({ key, target, message, language: reader.language, order: Order.final })
    }
  }
}

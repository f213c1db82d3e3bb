import type { AuditKind, WriteAudit } from '../core/audit.ts'
import type { Acted, Incident, Incidents, PersonsAct, Told } from '../core/incidents.ts'
import type { Target } from '../core/message.ts'
import type { Outbox } from '../core/outbox.ts'
import type { Identity } from '../core/roles.ts'
import { incidentOf, type Post, showIncident } from './incident-cards.ts'
import type { IncidentStore } from './incident-store.ts'

/** The pure part, from `src/ha`. */
export interface IncidentActs {
  act(
    incident: Incident,
    what: PersonsAct,
    context: { now: number; samePerson(a: Identity, b: Identity): boolean },
  ): Acted
  tell(incident: Incident, told: Told, now: number): Incident
}

interface Options {
  store: IncidentStore
  acts: IncidentActs
  outbox: Outbox
  posts(cluster: string): readonly Post[]
  audit: WriteAudit
  samePerson(a: Identity, b: Identity): boolean
  now(): number
}

const auditKind: Record<PersonsAct['kind'], AuditKind> = { ack: 'acknowledged', note: 'noted', resolve: 'resolved' }

/** What people do to incidents: written down first, then compared and set, then shown in every channel at once. */
export class RedisIncidents implements Incidents {
  readonly #o: Options

  constructor(options: Options) {
    this.#o = options
  }

  async list({ cluster, live, most }: { cluster?: string; live?: boolean; most: number }): Promise<Incident[]> {
    const all = await this.#o.store.newest()
    return all
      .filter((incident) => cluster === undefined || incident.cluster === cluster)
      .filter(({ state }) => !live || state !== 'resolved')
      .slice(0, most)
  }

  async get(id: string): Promise<Incident | undefined> {
    const incident = await this.#o.store.get(id)
    return incident?.quiet ? undefined : incident
  }

  async ofCard(card: string): Promise<Incident | undefined> {
    const id = incidentOf(card)
    return id === undefined ? undefined : this.get(id)
  }

  async act(
    id: string,
    act: PersonsAct,
    where: { target?: Target | undefined; card?: string | undefined },
  ): Promise<Acted> {
    const { acts, samePerson, now } = this.#o
    const first = await this.get(id)
    if (!first) return { done: false, why: 'unknown' }
    const line = `incident ${act.kind} ${id}${'text' in act && act.text ? ` ${act.text}` : ''}`
    const { cluster } = first
    await this.#o.audit({ kind: auditKind[act.kind], who: act.by, cluster, line, action: act.kind, ...where })
    for (let incident: Incident | undefined = first; incident; incident = await this.get(id)) {
      const acted = acts.act(incident, act, { now: now(), samePerson })
      if (!acted.done || acted.incident === incident || (await this.#changed(incident, acted.incident))) return acted
    }
    return { done: false, why: 'unknown' }
  }

  async tell(id: string, told: Told): Promise<boolean> {
    for (let incident = await this.get(id); incident; incident = await this.get(id)) {
      const next = this.#o.acts.tell(incident, told, this.#o.now())
      if (next === incident || (await this.#changed(incident, next))) return true
    }
    return false
  }

  async changed(after: number, most: number): Promise<{ seq: number; incidents: Incident[] }> {
    return this.#o.store.changed(after, most)
  }

  /** Stores and shows; false when somebody else was faster. What a crash leaves unshown, a worker shows. */
  async #changed(before: Incident, after: Incident): Promise<boolean> {
    const { store, outbox, posts, now } = this.#o
    if (!(await store.commit(after.cluster, [{ before, after }], now()))) return false
    await showIncident(after, posts(after.cluster), outbox, store)
    return true
  }
}

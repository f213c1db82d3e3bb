import type { Acted, Incident, Incidents, PersonsAct, Told } from '../../src/core/incidents.ts'
import { act, tell } from '../../src/ha/acts.ts'
import type { ClusterEvent } from '../../src/ha/event.ts'
import { take } from '../../src/ha/incident.ts'

/** Incidents in memory, under the real rules. */
export class MemoryIncidents implements Incidents {
  readonly #all = new Map<string, Incident>()
  readonly #samePerson: (a: string, b: string) => boolean

  constructor(samePerson: (a: string, b: string) => boolean) {
    this.#samePerson = samePerson
  }

  /** Begins one with this id. */
  begin(id: string, event: Partial<ClusterEvent> & Pick<ClusterEvent, 'kind'>): void {
    const told: ClusterEvent = { cluster: 'main', key: id, severity: 'critical', at: '2026-01-02T03:04:05Z', ...event }
    const [incident] = take([], [told], { now: Date.now(), severities: {}, name: () => 'x' })
    this.#all.set(id, { ...incident!, id })
  }

  async list({ cluster, live, most }: { cluster?: string; live?: boolean; most: number }) {
    return [...this.#all.values()]
      .filter((one) => cluster === undefined || one.cluster === cluster)
      .filter(({ state }) => !live || state !== 'resolved')
      .slice(0, most)
  }

  async get(id: string) {
    return this.#all.get(id)
  }

  async ofCard(card: string) {
    return this.#all.get(card.split('.')[0]!)
  }

  async act(id: string, what: PersonsAct): Promise<Acted> {
    const incident = this.#all.get(id)
    if (!incident) return { done: false, why: 'unknown' }
    const acted = act(incident, what, { now: Date.now(), samePerson: this.#samePerson })
    if (acted.done) this.#all.set(id, acted.incident)
    return acted
  }

  async tell(id: string, told: Told): Promise<boolean> {
    const incident = this.#all.get(id)
    if (incident) this.#all.set(id, tell(incident, told, Date.now()))
    return incident !== undefined
  }

  async changed() {
    return { seq: this.#all.size, incidents: [...this.#all.values()] }
  }
}

import type { DrillSchedule, Tick } from '../../src/core/drill-schedule.ts'
import type { DrillMeans, DrillReport, Drills } from '../../src/core/drills.ts'
import { nextOf } from '../../src/jobs/drill-schedules.ts'

/** Drills that a test has put there, on nodes that a lab can cut. */
export class MemoryDrills implements Drills {
  reports: DrillReport[] = []
  planned: DrillSchedule[] = []
  readonly done: string[] = []
  readonly vetoes = new Map<number, Tick>()

  readonly provenWithinMs = 90 * 24 * 3600_000

  async draw() {
    return undefined
  }
  means(): DrillMeans {
    return { power: true, network: true, storage: true, restore: 'lab' }
  }
  async list(cluster: string) {
    return this.reports.filter((one) => one.cluster === cluster)
  }
  async seenTo(id: string) {
    this.done.push(id)
    return true
  }
  async schedules(cluster: string) {
    return this.planned.filter((one) => one.cluster === cluster)
  }
  next = nextOf
  async pending(schedule: DrillSchedule) {
    return nextOf(schedule, Math.max(Date.now(), ...this.vetoes.keys()))
  }
  async past() {
    return [...this.vetoes.values()]
  }
  async veto(schedule: DrillSchedule, by: string) {
    const at = await this.pending(schedule)
    if (at !== undefined) this.vetoes.set(at, { at, end: { how: 'vetoed', by } })
    return at
  }
  async unschedule({ id }: DrillSchedule) {
    const before = this.planned.length
    this.planned = this.planned.filter((one) => one.id !== id)
    return this.planned.length < before
  }
}

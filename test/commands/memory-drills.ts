import type { DrillMeans, DrillReport, Drills } from '../../src/core/drills.ts'

/** Drills that a test has put there, on nodes that a lab can cut. */
export class MemoryDrills implements Drills {
  reports: DrillReport[] = []
  readonly aborted: string[] = []

  means(): DrillMeans {
    return { power: true, network: true, restore: 'lab' }
  }
  async list(cluster: string) {
    return this.reports.filter((one) => one.cluster === cluster)
  }
  async abort(id: string) {
    this.aborted.push(id)
  }
}

import type { DrillSchedule } from './drill-schedule.ts'
import type { House } from './house.ts'

/** The schedule that a person means: by the beginning of its id, or the only one. Undefined: none, or not clear which. */
export async function findSchedule(house: House, cluster: string, given?: string): Promise<DrillSchedule | undefined> {
  const all = await house.drills.schedules(cluster)
  const fits = all.filter(({ id }) => given === undefined || id.startsWith(given.trim().toLowerCase()))
  return fits.length === 1 ? fits[0] : undefined
}

import type { DrillSchedule } from './drill-schedule.ts'
import { Refused } from './errors.ts'
import type { House } from './house.ts'

/**
 * The schedule that a person means: by the beginning of its id, or the only one; `path` is the command that asks.
 * @throws Refused `no-schedule`, `which-schedule`, `unknown-schedule`
 */
export async function findSchedule(
  house: House,
  { cluster, given, path }: { cluster: string; given?: string | undefined; path: string },
): Promise<DrillSchedule> {
  const all = await house.drills.schedules(cluster)
  const [first] = all
  if (!first) throw new Refused('no-schedule', { cluster })
  const fits = all.filter(({ id }) => given === undefined || id.startsWith(given.trim().toLowerCase()))
  if (fits.length === 1) return fits[0]!
  const values = {
    cluster,
    path,
    id: (fits[0] ?? first).id,
    ids: (fits[0] ? fits : all).map(({ id }) => id).join(', '),
  }
  if (fits.length > 1) throw new Refused('which-schedule', values)
  throw new Refused('unknown-schedule', { ...values, given: given ?? '' })
}

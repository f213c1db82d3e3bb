import type { Asker } from './command.ts'
import { Refused } from './errors.ts'
import type { House } from './house.ts'
import type { Target } from './message.ts'
import { poolsIn } from './pools.ts'
import { holds, type Place, type Role } from './roles.ts'
import type { JobView } from './worker.ts'

interface Seeker {
  house: House
  asker: Asker
  channel: Target
}

/** Where a job works: its cluster, and the pools in which its guests were when it was ordered. */
export const placeOf = ({ cluster, within }: JobView, channel: Target): Place => ({
  cluster,
  channel,
  pools: within && poolsIn(within),
})

/** Whether the asker holds `role` here, where the job works. */
const may = async ({ house, asker, channel }: Seeker, job: JobView, role: Role): Promise<boolean> =>
  holds(await house.access.roleOf(asker.identity, placeOf(job, channel)), role)

/** Those of the jobs that the asker may look at: a role is held per cluster, and jobs are of several. */
export async function visibleJobs(seeker: Seeker, jobs: readonly JobView[]): Promise<JobView[]> {
  const allowed = await Promise.all(jobs.map((job) => may(seeker, job, 'viewer')))
  return jobs.filter((_, i) => allowed[i])
}

const recent = 100

/**
 * The job that a person means: by its id, with or without `j-`, by the beginning of one, or without anything the
 * newest.
 * @throws Refused `unknown-job`
 */
export async function findJob(seeker: Seeker, given: string | undefined): Promise<JobView> {
  const { jobs } = seeker.house
  const id = given?.trim().replace(/^(?!j-)/i, 'j-')
  const exact = id === undefined ? undefined : await jobs.get(id)
  const listed = exact ? [exact] : await jobs.list({ most: recent })
  const seen = await visibleJobs(
    seeker,
    listed.filter((job) => id === undefined || job.id.toLowerCase().startsWith(id.toLowerCase())),
  )
  const found = id === undefined ? seen.slice(0, 1) : seen
  if (found.length !== 1) throw new Refused('unknown-job', { given: given ?? '' })
  return found[0]!
}

/** @throws Refused `not-allowed` unless the asker is an operator of the job's cluster */
export async function mayChange(seeker: Seeker, job: JobView, command: string): Promise<void> {
  if (await may(seeker, job, 'operator')) return
  const { access, words } = seeker.house
  const place = placeOf(job, seeker.channel)
  const { none } = words[seeker.asker.language].say
  const have = (await access.roleOf(seeker.asker.identity, place)) ?? none
  const who = access.whoMay('operator', place).join(', ') || none
  throw new Refused('not-allowed', { command, needs: 'operator', have, who })
}

import type { House } from './house.ts'
import { type JobView, partOf } from './worker.ts'

/** The drill that runs in a cluster and its job: one of several that prove a blueprint has a number of its own. */
export async function runningDrill(house: House, cluster: string): Promise<{ job: JobView; id: string } | undefined> {
  const jobs = await house.jobs.list({ cluster, live: true, most: 50 })
  const running = jobs.filter(({ endedAt }) => endedAt === undefined)
  const job = running.find(({ worker }) => worker === 'drill' || worker === 'blueprint-validate')
  return job && { job, id: job.worker === 'drill' ? job.id : partOf(job.id, job.progress?.step ?? 1) }
}

import { explainer, explainLine, openHouse, openJobDesk, openWriters, words } from './app.ts'
import type { Config, Environment } from './config.ts'
import { Refused } from './core/errors.ts'
import { holds, type Membership } from './core/roles.ts'
import { JobWorker } from './jobs/job-worker.ts'
import type { JobRecord } from './jobs/runs.ts'
import { RedisTaskBoard } from './jobs/task-board.ts'
import { OutcomeUnknown, PveError } from './proxmox/errors.ts'
import { TaskPoller } from './proxmox/task-poller.ts'

/** The acting side: runs the jobs and follows the tasks of every cluster. As many as wanted, on any machine. */
export async function startWorker(options: {
  config: Config
  environment: Environment
  key: Buffer
  membership: Membership
}): Promise<{ close(): Promise<void> }> {
  const { config } = options
  const house = await openHouse({ ...options, name: 'worker' })
  const writers = openWriters(config)
  const desk = openJobDesk(house, writers)
  const boards = new Map(
    writers.names.map((cluster) => [
      cluster,
      new RedisTaskBoard({
        redis: house.patient,
        subscriber: house.subscriber,
        prefix: house.prefix,
        cluster,
        holder: house.process,
      }),
    ]),
  )
  const pollers = writers.names.map(
    (cluster) =>
      new TaskPoller({
        proxmox: writers.get(cluster),
        board: boards.get(cluster)!,
        clock: { now: Date.now, wait },
        onError: (error) => house.log.warn({ cluster, error: String(error) }, 'task poller'),
      }),
  )
  for (const poller of pollers) poller.start()
  const explain = explainer(config)
  const worker = new JobWorker({
    redis: house.patient,
    subscriber: house.subscriber,
    prefix: house.prefix,
    catalogue: house.catalogue,
    desk,
    locks: house.locks,
    ports: {
      runs: house.runs,
      outbox: house.outbox,
      words,
      isOutcomeUnknown: (error) => error instanceof OutcomeUnknown || (error instanceof PveError && error.sent),
      explain,
      explainLine,
      now: Date.now,
    },
    proxmox: (cluster) => writers.get(cluster),
    board: (cluster) => boards.get(cluster)!,
    allowed: (record) => stillAllowed(record),
    explain,
    report: house.report,
    log: house.log,
  })
  house.log.info({ clusters: writers.names }, 'worker ready')
  return {
    async close() {
      await worker.close()
      await Promise.all(pollers.map((poller) => poller.stop()))
      await desk.close()
      await house.close()
    },
  }

  /** Rights may have been taken away while the job waited. */
  async function stillAllowed(record: JobRecord): Promise<Refused | undefined> {
    const needs = house.catalogue.get(record.path)?.command.role
    const role = await house.access.roleOf(record.requester, { cluster: record.cluster, channel: record.target })
    if (needs !== undefined && holds(role, needs)) return undefined
    const who = house.access.whoMay(needs ?? 'admin', { cluster: record.cluster, channel: record.target }).join(', ')
    return new Refused('not-allowed', { command: record.path, needs: needs ?? 'admin', have: role ?? '-', who })
  }
}

/** Resolves early, without an error, when the signal aborts. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

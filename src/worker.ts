import {
  explainer,
  explainLine,
  keepHeads,
  openHouse,
  openIncidents,
  openJobDesk,
  openReaders,
  openSecrets,
  openWriters,
  readEnds,
  words,
} from './app.ts'
import type { Config, Environment } from './config.ts'
import type { Membership } from './core/roles.ts'
import { stillAllowed } from './core/still-allowed.ts'
import { reportRights } from './doctor.ts'
import { openDrillSchedules, openDrills } from './drills.ts'
import { answerHostLooks } from './jobs/host-looks.ts'
import { JobWorker } from './jobs/job-worker.ts'
import { MembershipFacts } from './jobs/membership-facts.ts'
import { pause } from './jobs/pause.ts'
import { RightsBoard } from './jobs/rights-board.ts'
import { RedisTaskBoard } from './jobs/task-board.ts'
import { gathered } from './membership.ts'
import { keepOncall } from './oncall.ts'
import { OutcomeUnknown, PveError } from './proxmox/errors.ts'
import { TaskPoller } from './proxmox/task-poller.ts'
import { startWatchers } from './watch.ts'
import { openAccess } from './worker/access.ts'
import { keepDrillTimes } from './worker/drill-times.ts'
import { hostLooker } from './worker/host-looks.ts'
import { keepIncidents } from './worker/incidents.ts'
import { openRoot } from './worker/root.ts'

/** The acting side: runs the jobs and follows the tasks of every cluster. As many as wanted, on any machine. */
export async function startWorker(options: {
  config: Config
  environment: Environment
  key: Buffer
  membership: Membership
  /** Takes the jobs that are root's alone too; the configuration was read for it. */
  root?: boolean
  /** Without channels, the lab's own chat is told of incidents. */
  lab?: boolean
}): Promise<{ close(): Promise<void> }> {
  const { config } = options
  const membership = gathered(options.membership)
  const house = await openHouse({ ...options, membership, name: 'worker' })
  // The chat tokens are the bot's alone; it tells who is in which group.
  const facts = new MembershipFacts({ ...house, redis: house.patient, now: Date.now }, ['slack', 'discord'])
  membership.add(facts)
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
        clock: { now: Date.now, wait: pause },
        onError: (error) => house.log.warn({ cluster, error: String(error) }, 'task poller'),
      }),
  )
  for (const poller of pollers) poller.start()
  const explain = explainer(config)
  const access = openAccess(config)
  const root = options.root ? openRoot(config) : undefined
  const looks =
    root && answerHostLooks({ ...house, redis: house.patient, now: Date.now, look: hostLooker(root, writers) })
  const told = readEnds(house, options.environment.dataDir)
  // Nothing is begun before it is known what has ended.
  await told.catchUp()
  const schedules = openDrillSchedules(house)
  const drills = openDrills(house, schedules, options.environment)
  const worker = new JobWorker({
    redis: house.patient,
    subscriber: house.subscriber,
    prefix: house.prefix,
    catalogue: house.catalogue,
    desk,
    locks: house.locks,
    ports: {
      runs: house.runs,
      audit: house.audit.log.append,
      outbox: house.outbox,
      secrets: openSecrets(house, house.patient),
      ...(root ? { root } : {}),
      access,
      drills,
      words,
      isOutcomeUnknown: (error) => error instanceof OutcomeUnknown || (error instanceof PveError && error.sent),
      explain,
      explainLine,
      now: Date.now,
    },
    proxmox: (cluster) => writers.get(cluster),
    board: (cluster) => boards.get(cluster)!,
    allowed: (record) => stillAllowed({ ...house, proxmox: writers }, record),
    explain,
    report: house.report,
    log: house.log,
    ended: house.ended,
    told,
  })
  const keepers = keepIncidents(house, writers, options.lab === true)
  const watchers = startWatchers(house, config, openReaders(config))
  const oncall = keepOncall(house, openIncidents(house, options.lab === true))
  const drillTimes = await keepDrillTimes(house, {
    ...options,
    schedules,
    drills,
    desk,
  })
  const stopHeads = keepHeads(house)
  const reports = reportRights({
    config,
    board: new RightsBoard(house.patient, house.prefix, house.seal),
    writers,
    access,
    onError: (error) => house.log.warn({ error: String(error) }, 'the report on the acting token'),
  })
  house.log.info({ clusters: writers.names, root: options.root === true }, 'worker ready')
  return {
    async close() {
      stopHeads()
      told.close()
      reports.stop()
      await Promise.all(keepers.map((keeper) => keeper.stop()))
      await watchers.close()
      await oncall.close()
      await drillTimes.close()
      await worker.close()
      await Promise.all(pollers.map((poller) => poller.stop()))
      await schedules.close()
      await desk.close()
      await access.close()
      await looks?.close()
      await facts.close()
      await house.close()
    },
  }
}

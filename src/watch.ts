import type { House } from './app.ts'
import type { Config } from './config.ts'
import { answeredBy, isQuorate, type Look } from './ha/look.ts'
import type { Memory } from './ha/memory.ts'
import { isBadNews } from './ha/sight.ts'
import { judge } from './ha/watch.ts'
import { EventLog } from './jobs/event-log.ts'
import { Watcher } from './jobs/watcher.ts'
import { Eyes } from './proxmox/eyes.ts'
import type { Clusters } from './proxmox/port.ts'

type Place = Pick<House, 'patient' | 'subscriber' | 'prefix' | 'seal'>

/** What happened in a cluster, when it was last looked at, and how well it is seen. */
export const openEventLog = ({ patient, subscriber, prefix, seal }: Place, cluster: string): EventLog<Memory> =>
  new EventLog<Memory>({ redis: patient, subscriber, prefix, cluster, seal })

/** A watcher for one cluster; of all processes' watchers one works at a time. */
export function watcherOf(parts: {
  cluster: string
  log: EventLog<Memory>
  proxmox: ConstructorParameters<typeof Eyes>[0]['proxmox']
  pollMs: number
  holder: string
  clock: { now(): number; steady(): number }
  warn(about: object, text: string): void
}): Watcher<Memory, Look> {
  const { cluster, warn } = parts
  let memory: Memory | undefined
  const eyes = new Eyes({
    proxmox: parts.proxmox,
    isBadNews: (look) => isBadNews(memory, look),
    answeredBy,
    isQuorate,
    onError: seldom(parts.clock, (error) => warn({ cluster, error }, 'a look at the cluster')),
  })
  return new Watcher<Memory, Look>({
    ...parts,
    look(known, when) {
      memory = known
      return eyes.look(when)
    },
    judge: (known, look, born) => judge(cluster, known, look, born),
    onError: seldom(parts.clock, (error) => warn({ cluster, error }, 'the watcher')),
    onForged: () => warn({ cluster }, "the watcher's memory in Redis is not ours: it begins anew"),
  })
}

/** Starts one for each cluster. */
export function startWatchers(house: House, config: Config, clusters: Clusters) {
  const watchers = config.clusters.map(({ name, pollMs }) =>
    watcherOf({
      cluster: name,
      log: openEventLog(house, name),
      proxmox: clusters.get(name),
      pollMs,
      holder: house.process,
      clock: { now: Date.now, steady: () => performance.now() },
      warn: (about, text) => house.log.warn(about, text),
    }),
  )
  for (const watcher of watchers) watcher.start()
  return { close: () => Promise.all(watchers.map((watcher) => watcher.stop())) }
}

/** For `/metrics`: how long ago each cluster was looked at, and whether what was seen had quorum. */
export async function watchMetrics(logs: ReadonlyMap<string, EventLog<Memory>>, now: () => number): Promise<string> {
  const rows = await Promise.all(
    [...logs].map(async ([cluster, log]) => {
      const [at, view] = await Promise.all([log.lastPolledAt(), log.view()])
      if (at === undefined) return []
      const label = `{cluster="${cluster}"}`
      const age = Math.max(0, (now() - at) / 1000)
      return [
        `quorum_watch_last_look_age_seconds${label} ${age}`,
        `quorum_watch_fresh${label} ${view?.state === 'fresh' ? 1 : 0}`,
      ]
    }),
  )
  const help = [
    '# HELP quorum_watch_last_look_age_seconds Time since the watcher last looked at the cluster.',
    '# TYPE quorum_watch_last_look_age_seconds gauge',
    '# HELP quorum_watch_fresh 1 while a node with quorum answers.',
    '# TYPE quorum_watch_fresh gauge',
  ]
  return `${[...help, ...rows.flat()].join('\n')}\n`
}

/** How long an error is not said again. */
const saidForMs = 10 * 60_000

/** Says each error once in a while, not at every look. */
function seldom(clock: { steady(): number }, say: (error: string) => void): (error: unknown) => void {
  const said = new Map<string, number>()
  return (error) => {
    const text = String(error)
    const last = said.get(text)
    if (last !== undefined && clock.steady() - last < saidForMs) return
    if (said.size > 100) said.clear()
    said.set(text, clock.steady())
    say(text)
  }
}

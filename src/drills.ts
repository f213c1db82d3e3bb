import type { House } from './app.ts'
import type { DrillGround } from './core/drills.ts'
import { order } from './http/power.ts'
import { probe } from './http/probe.ts'
import { deadMan } from './jobs/dead-man.ts'
import { DrillBook } from './jobs/drill-book.ts'
import { DrillSchedules } from './jobs/drill-schedules.ts'
import { openOncall } from './oncall.ts'
import { openEventLog } from './watch.ts'

/** The times of drills that come again, as commands and their keeper see them. */
export function openDrillSchedules({ patient, prefix, seal, audit }: House, now = Date.now): DrillSchedules {
  const note = async () => audit.file.add(new Date().toISOString(), await audit.log.head())
  return new DrillSchedules({ redis: patient, prefix, seal, audit: audit.log.append, note, now })
}

/** What people agreed to is asked for anew after a year; the audit trail goes back a little further. */
const scheduleLivesMs = 365 * 24 * 3600_000

/** What drills need beside Proxmox: the lab's hand or a power device, a book, on-call's windows, the cluster's log. */
export function openDrills(
  house: House,
  schedules: DrillSchedules,
  { labControl }: { labControl?: string | undefined },
): DrillGround {
  const { config } = house
  const book = new DrillBook(house.patient, house.prefix, house.seal)
  const oncall = openOncall(house)
  const logs = new Map(config.clusters.map(({ name }) => [name, openEventLog(house, name)]))
  const ofLab = (node: string) => `${labControl}/api/lab/nodes/${encodeURIComponent(node)}`
  return {
    list: (cluster) => book.list(cluster),
    keep: (report) => book.keep(report),
    seenTo: (id, by) => book.seenTo(id, by),
    seenToBy: (id) => book.seenToBy(id),
    schedules: (cluster) => schedules.schedules(cluster),
    next: (of, after) => schedules.next(of, after),
    pending: (schedule) => schedules.pending(schedule),
    past: (schedule) => schedules.past(schedule),
    veto: (schedule, by, at) => schedules.veto(schedule, by, at),
    unschedule: (schedule, by) => schedules.unschedule(schedule, by),
    async schedule(job, wanted) {
      const record = await house.runs.record(job)
      if (!record) throw new Error(`${job} is no job of ours`)
      const { cluster, line, requester, approvedBy, approvedIn, target, language, createdAt } = record
      const id = house.seal.name(['drill-schedule', job]).slice(0, 6).toLowerCase()
      const agreed = { requester, approvedBy, ...(approvedIn === undefined ? {} : { approvedIn }), target, language }
      const times = { createdAt, endsAt: createdAt + scheduleLivesMs }
      const schedule = { ...wanted, ...agreed, ...times, id, cluster, job, line }
      await schedules.add(schedule)
      return schedule
    },
    means(node) {
      if (labControl !== undefined) return { power: true, network: true, restore: 'lab' }
      const source = config.power[node]
      // The bot does not hold the device's address; one that has no MAC has a device.
      const hasDevice = source !== undefined && (source.webhook !== undefined || source.mac === undefined)
      return { power: hasDevice, network: false, restore: hasDevice ? 'webhook' : source?.mac ? 'wake' : 'person' }
    },
    async power(node, to) {
      const url = labControl === undefined ? config.power[node]?.webhook?.reveal() : ofLab(node)
      if (url === undefined) throw new Error(`nothing here gives ${node} its power`)
      await order(url, { power: to })
    },
    async network(node, to) {
      if (labControl === undefined) throw new Error('only the lab cuts networks')
      await order(ofLab(node), { network: to })
    },
    async probe(sid) {
      const at = config.probes[sid]
      return at === undefined ? undefined : probe(at)
    },
    async quiet({ forMs, ...about }) {
      const from = Date.now()
      return (await oncall.openWindow({ ...about, from, until: from + forMs })).id
    },
    async loud(window, by) {
      await oncall.endWindow(window, by)
    },
    guard: (about, act) => deadMan({ redis: house.patient, log: house.log, about, act }),
    async draw(bands) {
      try {
        const { draw } = await import('./picture/draw.ts')
        return `data:image/png;base64,${(await draw({ kind: 'bands', bands })).toString('base64')}`
      } catch (error) {
        house.log.warn({ error: (error as Error).message }, 'the picture of a drill')
        return undefined
      }
    },
    async tell({ kind, cluster, node, drill, at }) {
      const values = { drill }
      const time = new Date(at * 1000).toISOString()
      await logs.get(cluster)?.announce({
        kind,
        cluster,
        key: `${kind}:${drill}`,
        severity: 'info',
        at: time,
        node,
        values,
      })
    },
  }
}

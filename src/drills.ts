import type { House } from './app.ts'
import { openIncidents } from './app.ts'
import { isLinkLocal, isLoopback } from './config/address.ts'
import type { DrillGround } from './core/drills.ts'
import { seenIn } from './ha/drill.ts'
import type { Look } from './ha/look.ts'
import { order } from './http/power.ts'
import { type ProbeAddress, probe } from './http/probe.ts'
import { probing } from './http/probing.ts'
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
  // Only looked at: nothing is posted from here.
  const { incidents } = openIncidents(house, false)
  const logs = new Map(config.clusters.map(({ name }) => [name, openEventLog(house, name)]))
  const ofLab = (node: string) => `${labControl}/api/lab/nodes/${encodeURIComponent(node)}`
  // In the lab the guests' services are this machine's own; elsewhere no probe ever goes to this machine, or its link.
  const allows = (address: string) => labControl !== undefined || isForeign(address)
  const ofGuests = new Map<string, Promise<ProbeAddress | undefined>>()
  const probeAt = (sid: string): Promise<ProbeAddress | undefined> => {
    const known = config.probes[sid]
    if (known || labControl === undefined) return Promise.resolve(known)
    const asked = ofGuests.get(sid) ?? probeOfLab(labControl, sid)
    ofGuests.set(sid, asked)
    return asked
  }
  return {
    provenWithinMs: config.drills.provenWithinMs,
    list: (cluster) => book.list(cluster),
    keep: (report) => book.keep(report),
    seenTo: (id, by) => book.seenTo(id, by),
    asks: (id) => book.asks(id),
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
      const source = config.power[node]
      if (labControl !== undefined && source === undefined)
        return { power: true, network: true, storage: true, restore: 'lab' }
      // The bot does not hold the device's address; one that has no MAC has a device.
      const hasDevice = source !== undefined && (source.webhook !== undefined || source.mac === undefined)
      return {
        power: hasDevice,
        network: labControl !== undefined,
        storage: labControl !== undefined,
        restore: hasDevice ? 'webhook' : source?.mac ? 'wake' : 'person',
      }
    },
    async power(node, to) {
      const url = config.power[node]?.webhook?.reveal() ?? (labControl === undefined ? undefined : ofLab(node))
      if (url === undefined) throw new Error(`nothing here gives ${node} its power`)
      await order(url, { power: to })
    },
    async network(node, to) {
      if (labControl === undefined) throw new Error('only the lab cuts networks')
      await order(ofLab(node), { network: to })
    },
    async storage(node, storage, to) {
      if (labControl === undefined) throw new Error('only the lab cuts storages')
      await order(`${labControl}/api/lab/storages/${encodeURIComponent(storage)}`, { network: to, node })
    },
    async sees(cluster) {
      const look = await logs.get(cluster)?.shared<Look>()
      const pollMs = config.clusters.find(({ name }) => name === cluster)?.pollMs ?? 0
      const ageMs = look ? Date.now() - look.at : Number.POSITIVE_INFINITY
      const seen = look && ageMs < pollMs * 2 + freshMs ? seenIn(look) : undefined
      return seen && { ...seen, ageMs }
    },
    // A simulated clock may be fast; a real cluster is asked less than once a second.
    tempo: labControl === undefined ? { paceMs: 1050, isReal: true } : { paceMs: 150, isReal: false },
    async answers(sids) {
      const found = await Promise.all(
        sids.map(async (sid) => {
          const at = await probeAt(sid)
          return at ? [[sid, (await probe(at, allows)) || (await probe(at, allows))] as const] : []
        }),
      )
      return Object.fromEntries(found.flat())
    },
    probing: (sids, now) =>
      probing(sids, now, async (sid) => {
        const at = await probeAt(sid)
        return at !== undefined && probe(at, allows)
      }),
    async quiet({ forMs, ...about }) {
      const from = Date.now()
      return (await oncall.openWindow({ ...about, from, until: from + forMs })).id
    },
    async loud(window, by, afterMs) {
      await oncall.endWindow(window, by, afterMs)
    },
    guard: (about, act) => deadMan({ redis: house.patient, log: house.log, about, act }),
    async draw(picture) {
      try {
        const { draw } = await import('./picture/draw.ts')
        return `data:image/png;base64,${(await draw(picture)).toString('base64')}`
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
    async answered(cluster, from, until) {
      const began = ({ openedAt }: { openedAt: string }) => Date.parse(openedAt) / 1000
      const all = await incidents.list({ cluster, most: 50 })
      return all
        .filter((one) => began(one) >= from && began(one) <= until)
        .map(({ id, learntAt, firstAckAt }) => {
          const waited = firstAckAt && Math.round((Date.parse(firstAckAt) - Date.parse(learntAt)) / 1000)
          return { incident: id, ...(typeof waited === 'number' ? { ackSeconds: Math.max(0, waited) } : {}) }
        })
    },
  }
}

/** A look is as good as new for so long beyond two of the watcher's rounds. */
const freshMs = 1000

/** IPv6 may carry an address of IPv4. */
const isForeign = (address: string): boolean => {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
  return !isLoopback(plain) && !isLinkLocal(plain)
}

/** Where the lab lets a guest be heard while it is up. */
async function probeOfLab(control: string, sid: string): Promise<ProbeAddress | undefined> {
  const response = await fetch(`${control}/api/lab/guests/${sid.slice(sid.indexOf(':') + 1)}/probe`).catch(
    () => undefined,
  )
  return response?.ok ? ((await response.json()) as ProbeAddress) : undefined
}

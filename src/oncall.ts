import type { House, openIncidents } from './app.ts'
import { words } from './app.ts'
import type { Config } from './config.ts'
import { readerOf } from './core/incident.ts'
import { titleOf } from './core/incident-card.ts'
import type { Incident } from './core/incidents.ts'
import type { Identity } from './core/roles.ts'
import { pagerDue, pagesDue } from './ha/paging.ts'
import { pagerCall } from './http/pager.ts'
import type { PagerSaid } from './http/pager-hook.ts'
import { Heartbeat } from './jobs/heartbeat.ts'
import { OncallBook } from './jobs/oncall-book.ts'
import { OncallKeeper } from './jobs/oncall-keeper.ts'
import { newestKey, PagerLine } from './jobs/pager-line.ts'
import { openEventLog } from './watch.ts'

/** Turns, swaps and windows, as commands and the keeper see them. */
export const openOncall = ({ config, patient, prefix, seal, audit }: House): OncallBook =>
  new OncallBook({ redis: patient, prefix, seal, plan: config.oncall, audit: audit.log.append, now: Date.now })

/** What the pager knows an incident by; new damage after an acknowledgement has a key of its own. */
const keyOf = (id: string, key: number) => `quorum-${id}${key > 1 ? `#${key}` : ''}`
const keyForm = /^quorum-(i-[a-z0-9]+)(?:#(\d+))?$/

/** Calls who is on call and keeps the pager and the heartbeat, in every worker. */
export function keepOncall(
  house: House,
  { incidents, posts }: Pick<ReturnType<typeof openIncidents>, 'incidents' | 'posts'>,
): { close(): Promise<void> } {
  const oncall = openOncall(house)
  const pager = openPager(house, incidents, oncall)
  const keeper = new OncallKeeper({
    ...house,
    redis: house.patient,
    incidents,
    oncall,
    posts,
    pagesDue,
    reach: reacher(house),
    pager: pager && ((incident, context) => pager.wake(incident, context)),
    now: Date.now,
  }).start()
  const heartbeat = openHeartbeat(house)
  return {
    async close() {
      await Promise.all([keeper.stop(), heartbeat?.stop(), pager?.close()])
    },
  }
}

/** People are reached by direct message; on a platform that is off, nobody is. */
function reacher({ config, access }: House) {
  const { people, oncall } = config
  return (person: string) => {
    const known = people.find(({ name }) => name === person)
    const { language = 'en', tz = oncall.tz } = known ?? {}
    return { ids: accountsOf(config, person), reader: readerOf(words, access, { language, tz }) }
  }
}

/** Where a person can be written to: their accounts on platforms that are on. */
export function accountsOf({ chat, people }: Config, person: string): readonly Identity[] {
  const ids = people.find(({ name }) => name === person)?.ids ?? []
  return ids.filter((id) => chat[id.split(':')[0] as keyof typeof chat] !== undefined)
}

function openPager({ config, patient, prefix, seal, access }: House, incidents: Incidents, oncall: OncallBook) {
  const { pager, tz } = config.oncall
  if (!pager?.key) return undefined
  const call = pagerCall({ url: pager.url, key: pager.key })
  const reader = readerOf(words, access, { language: 'en', tz })
  const context = async () => {
    const [swaps, windows] = await Promise.all([oncall.swaps(), oncall.windows()])
    return { now: Date.now(), plan: oncall.plan, swaps, windows }
  }
  return new PagerLine({
    redis: patient,
    prefix,
    seal,
    incidents,
    due: pagerDue,
    context,
    call: (action, incident: Incident, key) =>
      call({
        action,
        dedupKey: keyOf(incident.id, key),
        summary: `${incident.cluster}: ${titleOf(incident, reader)}`,
        source: incident.cluster,
        severity: incident.severity,
        timestamp: incident.openedAt,
        component: incident.node,
        class: incident.kind,
      }),
  })
}

type Incidents = ReturnType<typeof openIncidents>['incidents']

/** What the pager's people did there is done here; a word older than the newest damage, or on an older key, is about the one before. */
export const pagerSays =
  (place: Pick<House, 'prefix' | 'seal'> & { redis: House['patient'] }, incidents: Incidents) =>
  async ({ kind, key, by, at }: PagerSaid): Promise<void> => {
    const [, id, nth = '1'] = keyForm.exec(key) ?? []
    if (id === undefined || Number(nth) !== (await newestKey(place, id))) return
    const incident = await incidents.get(id)
    if (!incident || incident.state === 'resolved' || at < Date.parse(incident.alertedAt) - skewMs) return
    if (kind === 'ack' && incident.state === 'acknowledged') return
    await incidents.act(incident.id, { kind, by }, {})
  }

/** Their clock and ours may differ so much. */
const skewMs = 5000

function openHeartbeat(house: House): Heartbeat | undefined {
  const { config, patient, prefix, outbox, cards, log } = house
  const url = config.heartbeat?.url
  if (!config.heartbeat || !url) return undefined
  const logs = config.clusters.map(({ name: cluster, pollMs }) => ({
    pollMs,
    log: openEventLog(house, cluster),
  }))
  return new Heartbeat({
    redis: patient,
    prefix,
    outbox,
    cards,
    everyMs: config.heartbeat.everyMs,
    watched: () => Promise.all(logs.map(async ({ log, pollMs }) => ({ polledAt: await log.lastPolledAt(), pollMs }))),
    async beat() {
      const signal = AbortSignal.timeout(10_000)
      const response = await fetch(url.reveal(), { method: 'POST', redirect: 'error', signal })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`the heartbeat's receiver answered ${response.status}`)
    },
    now: Date.now,
    log,
  }).start()
}

import { type House, openIncidents } from '../app.ts'
import { pass, wantsLook } from '../ha/acts.ts'
import { type SeenGuest, take } from '../ha/incident.ts'
import { EventLog } from '../jobs/event-log.ts'
import { IncidentKeeper } from '../jobs/incident-keeper.ts'
import { openOncall } from '../oncall.ts'
import type { Proxmox } from '../proxmox/port.ts'

/** What the watchers see becomes incidents in every worker; each step is one worker's. */
export function keepIncidents(house: House, clusters: { get(name: string): Proxmox }, lab: boolean): IncidentKeeper[] {
  const { store, posts } = openIncidents(house, lab)
  const { config, seal, outbox, log } = house
  const oncall = openOncall(house)
  const severities = config.oncall.severity
  const name = (value: unknown) => seal.name(value)
  return config.clusters.map(({ name: cluster, pollMs }) =>
    new IncidentKeeper({
      cluster,
      store,
      events: new EventLog({ ...house, redis: house.patient, cluster }),
      rules: {
        take: (before, events, guests, windows) =>
          take(before, events, { now: Date.now(), severities, guests, windows, name }),
        pass,
        wantsLook,
      },
      outbox,
      posts: posts(cluster),
      windows: () => oncall.windows(),
      audit: house.audit.log.append,
      look: (signal) => seenGuests(clusters.get(cluster), signal),
      pollMs,
      now: Date.now,
      log,
    }).start(),
  )
}

/** As a node with quorum shows them: one that is cut off shows the past, and most of the others offline. */
async function seenGuests(proxmox: Proxmox, signal: AbortSignal): Promise<SeenGuest[] | undefined> {
  const { guests, nodes } = await proxmox.resources({ signal })
  const online = nodes.filter(({ status }) => status === 'online')
  if (online.length * 2 <= nodes.length) return undefined
  return guests
    .filter(({ template }) => !template)
    .map(({ vmid, kind, name, node, status, haState }) => ({
      guest: `${kind === 'qemu' ? 'vm' : 'ct'}:${vmid}`,
      name,
      node,
      running: status === 'unknown' ? undefined : status === 'running',
      ...(haState === undefined ? {} : { haState }),
    }))
}

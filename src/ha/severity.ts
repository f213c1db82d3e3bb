import type { ClusterEvent, EventKind, Severity } from './event.ts'

/** How bad each kind is unless the configuration says otherwise. `info` makes no incident. */
export const severityOfKind: Readonly<Record<EventKind, Severity>> = {
  'quorum.lost': 'critical',
  'quorum.back': 'info',
  'quorum.margin': 'warning',
  'node.lost': 'critical',
  'node.back': 'info',
  'node.fencing': 'critical',
  'node.fenced': 'warning',
  'guest.recovered': 'warning',
  'guest.running': 'info',
  'guest.moved': 'info',
  'guest.move-failed': 'warning',
  'guest.error': 'critical',
  'guest.error-cleared': 'info',
  'guest.no-target': 'critical',
  'guest.frozen': 'warning',
  'guest.stuck': 'warning',
  'guest.restarted': 'warning',
  'guest.unmanaged': 'info',
  'master.changed': 'info',
  'master.dead': 'critical',
  'lrm.dead': 'warning',
  'lrm.back': 'info',
  'maintenance.on': 'info',
  'maintenance.off': 'info',
  'ha.disarmed': 'warning',
  'ha.armed': 'info',
  'cluster.unseen': 'critical',
  'cluster.seen': 'info',
  'task.failed': 'warning',
  'task.done': 'info',
  'storage.lost': 'warning',
  'storage.back': 'info',
  'qdevice.lost': 'warning',
  'qdevice.back': 'info',
  'replication.failed': 'warning',
  'replication.done': 'info',
  'backup.failed': 'warning',
  'backup.done': 'info',
  'drill.started': 'info',
  'drill.ended': 'info',
}

export type Severities = Readonly<Partial<Record<EventKind, Severity>>>

const rank: readonly Severity[] = ['info', 'warning', 'critical']

export const isWorse = (a: Severity, b: Severity): boolean => rank.indexOf(a) > rank.indexOf(b)

/** What somebody asked for is a step less bad: a node that was shut down on purpose wakes nobody. */
export function severityOf(event: Pick<ClusterEvent, 'kind' | 'planned'>, configured: Severities = {}): Severity {
  const severity = configured[event.kind] ?? severityOfKind[event.kind]
  return event.planned ? rank[Math.max(0, rank.indexOf(severity) - 1)]! : severity
}

/** As configured, but for good news of a kind that is mostly bad: votes to spare again. */
export function weighed(event: ClusterEvent, configured: Severities): ClusterEvent {
  const isGoodNews = event.severity === 'info' && severityOf(event) !== 'info'
  return isGoodNews ? event : { ...event, severity: severityOf(event, configured) }
}

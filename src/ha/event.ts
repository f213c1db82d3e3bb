/** What may happen in a cluster, as people are told of it. The names are a contract: messages and hooks carry them. */
export const eventKinds = [
  'quorum.lost',
  'quorum.back',
  'quorum.margin',
  'node.lost',
  'node.back',
  'node.fencing',
  'node.fenced',
  'guest.recovered',
  'guest.running',
  'guest.moved',
  'guest.move-failed',
  'guest.error',
  'guest.error-cleared',
  'guest.no-target',
  'guest.frozen',
  'guest.stuck',
  'guest.restarted',
  'guest.unmanaged',
  'master.changed',
  'master.dead',
  'lrm.dead',
  'lrm.back',
  'maintenance.on',
  'maintenance.off',
  'ha.disarmed',
  'ha.armed',
  'cluster.unseen',
  'cluster.seen',
  'task.failed',
  'task.done',
  'storage.lost',
  'storage.back',
  'qdevice.lost',
  'qdevice.back',
  'replication.failed',
  'replication.done',
  'backup.failed',
  'backup.done',
  'drill.started',
  'drill.ended',
] as const
export type EventKind = (typeof eventKinds)[number]

export const severities = ['info', 'warning', 'critical'] as const
export type Severity = (typeof severities)[number]

/** One change of a cluster, told once. Plain JSON. */
export interface ClusterEvent {
  kind: EventKind
  cluster: string
  /**
   * The same for the same change, whoever sees it and however often it is worked out again: made of the kind, the
   * subject and how often that has happened, never of a clock.
   */
  key: string
  severity: Severity
  /** ISO 8601, on Proxmox's clock where it gives one. */
  at: string
  node?: string
  /** As HA names it: `vm:100`. */
  guest?: string
  /** Nodes; of `master.changed` the old and the new master. */
  from?: string
  to?: string
  storage?: string
  /** The node went down because somebody asked it to: not a crash. */
  planned?: boolean
  /** What a likely cause is called in the words (`storage-missing`); absent: not known. */
  cause?: string
  /** Proxmox's own line. */
  raw?: string
  upid?: string
  /** Of `guest.running`, which follows a recovery: seconds that the guest was down, as far as Proxmox's own times tell. */
  downSeconds?: number
  /** How far that may be off. */
  uncertaintySeconds?: number
  /** More to say, by name: votes, margin, a mode. */
  values?: Record<string, string | number>
}

import type { ClusterEvent, EventKind } from './event.ts'

/** What an event is about, what it makes wrong, and what it shows to be well again. */
export interface Effect {
  /** Of the incident that it begins where no other one takes it. */
  subject: (event: ClusterEvent) => string
  /** What is wrong from now on; undefined: nothing that lasts. */
  makes?: (event: ClusterEvent) => string | undefined
  /** Keys of what is over now. `node pve1 *`: everything of that node that is not the node itself. */
  ends?: (event: ClusterEvent) => string[]
  /** Nothing that can be read ends it: a person does. */
  byHand?: (event: ClusterEvent) => boolean
}

const cluster = () => 'cluster'
const node = ({ node, from, cluster }: ClusterEvent) => `node ${node ?? from ?? cluster}`
const guest = ({ guest }: ClusterEvent) => `guest ${guest}`
const guestOver = ({ guest }: ClusterEvent) => [`guest ${guest}`]
const always = (key: string) => () => key
const ending =
  (...keys: string[]) =>
  () =>
    keys
const storage = ({ storage }: ClusterEvent) => `storage ${storage}`
const storageOnNode = ({ storage, node }: ClusterEvent) => `storage ${storage} ${node ?? ''}`.trim()
const tasks = ({ guest, node }: ClusterEvent) => `tasks ${guest ?? node ?? ''}`.trim()
const replications = ({ guest, node }: ClusterEvent) => `replication ${guest ?? node}`
const backups = ({ guest, node }: ClusterEvent) => `backup ${node ?? guest}`
/** Over when the same work on the same guest goes well; of work on several guests nothing says which work is the same. */
const task = ({ guest, values, upid, key }: ClusterEvent) =>
  `task ${guest ? `${guest} ${values?.type}` : (upid ?? key)}`
const backup = ({ guest, upid, key }: ClusterEvent) => `backup ${guest ?? upid ?? key}`
const replication = ({ values, upid, key }: ClusterEvent) => `replication ${values?.job ?? upid ?? key}`
const isMarginGone = ({ values }: ClusterEvent) => !(Number(values?.margin) > 0)

export const effects: Readonly<Record<EventKind, Effect>> = {
  'quorum.lost': { subject: always('quorum'), makes: always('quorum') },
  'quorum.back': { subject: always('quorum'), ends: ending('quorum') },
  'quorum.margin': {
    subject: always('margin'),
    makes: (event) => (isMarginGone(event) ? 'margin' : undefined),
    ends: (event) => (isMarginGone(event) ? [] : ['margin']),
  },
  'node.lost': { subject: node, makes: node, ends: (event) => [`lrm ${event.node}`] },
  'node.back': { subject: node, ends: (event) => [node(event), `lrm ${event.node}`, `${node(event)} *`, 'margin'] },
  'node.fencing': { subject: node, makes: node },
  'node.fenced': { subject: node, makes: node },
  'guest.recovered': { subject: (event) => `node ${event.from ?? event.node}`, ends: guestOver },
  'guest.running': { subject: guest, ends: guestOver },
  'guest.moved': { subject: guest, ends: guestOver },
  'guest.move-failed': { subject: node, makes: guest },
  'guest.error': { subject: node, makes: guest },
  'guest.error-cleared': { subject: guest, ends: guestOver },
  'guest.no-target': { subject: node, makes: guest },
  'guest.frozen': { subject: node, makes: guest },
  'guest.stuck': { subject: node, makes: guest },
  'guest.restarted': { subject: guest },
  'guest.unmanaged': { subject: guest, ends: guestOver },
  'master.changed': { subject: always('master'), ends: ending('master') },
  'master.dead': { subject: always('master'), makes: always('master') },
  'lrm.dead': { subject: node, makes: (event) => `lrm ${event.node}` },
  'lrm.back': { subject: node, ends: (event) => [`lrm ${event.node}`] },
  'maintenance.on': { subject: node },
  'maintenance.off': { subject: node, ends: (event) => [`lrm ${event.node}`] },
  'ha.disarmed': { subject: always('ha'), makes: always('ha') },
  'ha.armed': { subject: always('ha'), ends: ending('ha') },
  'cluster.unseen': { subject: always('unseen'), makes: always('unseen') },
  'cluster.seen': { subject: always('unseen'), ends: ending('unseen') },
  'task.failed': { subject: tasks, makes: task },
  'task.done': { subject: tasks, ends: (event) => [task(event)] },
  'storage.lost': { subject: storage, makes: storageOnNode },
  'storage.back': { subject: storage, ends: (event) => [storageOnNode(event)] },
  'qdevice.lost': { subject: always('qdevice'), makes: always('qdevice') },
  'qdevice.back': { subject: always('qdevice'), ends: ending('qdevice', 'margin') },
  'replication.failed': { subject: replications, makes: replication },
  'replication.done': { subject: replications, ends: (event) => [replication(event)] },
  'backup.failed': { subject: backups, makes: backup, byHand: (event) => event.guest === undefined },
  'backup.done': { subject: backups, ends: (event) => [backup(event)] },
  'drill.started': { subject: cluster },
  'drill.ended': { subject: cluster },
}

/** Kinds of trouble that a guest is over once it is seen to run in peace, whether or not an event says so. */
export const overWhenRunning: ReadonlySet<string> = new Set<EventKind>([
  'guest.move-failed',
  'guest.frozen',
  'guest.stuck',
  'guest.no-target',
  'guest.error',
])

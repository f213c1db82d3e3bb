import type { ClusterEvent } from '../src/ha/event.ts'
import type { Expected, Scenario } from './ha-scenarios.ts'

/** An event as told, with the recorded moment of the look that told it. */
export interface Told {
  t: number
  nodes: { [node: string]: string }
  event: ClusterEvent
}

/** True though no headline of the simulator's log says so; each is checked against the recording, or follows from it. */
const besides = new Set(['quorum.margin', 'cluster.unseen', 'cluster.seen', 'master.dead'])

const whole = /^(quorum|master|ha|cluster)\./

export const nameOf = ({ kind, guest, node }: ClusterEvent) =>
  `${kind} ${whole.test(kind) ? '' : (guest ?? node ?? '')}`

export interface Verdict {
  missed: Expected[]
  hidden: Expected[]
  invented: Told[]
  matched: number
}

/** Each headline once, nothing that is not true. `early`: looks began before the first master's first round. */
export function compare({ expected }: Scenario, told: readonly Told[], early = false): Verdict {
  const left = [...told]
  const missed: Expected[] = []
  const hidden: Expected[] = []
  for (const one of expected) {
    const at = left.findIndex(
      ({ event }) => nameOf(event) === `${one.kind} ${one.subject}` && (!one.to || event.to === one.to),
    )
    if (at >= 0) left.splice(at, 1)
    else if (one.hidden !== undefined || (one.early && !early)) hidden.push(one)
    else missed.push(one)
  }
  return { missed, hidden, invented: left.filter((one) => !isTrue(one, told)), matched: told.length - left.length }
}

/** Nodes come and go by corosync too, of which the log has no headline: told in turn, and true when it was told. */
function isTrue(one: Told, all: readonly Told[]): boolean {
  const { kind, guest, node = '' } = one.event
  if (kind === 'guest.running') {
    const own = all.slice(0, all.indexOf(one)).filter(({ event }) => event.guest === guest)
    return (
      own.filter(({ event }) => event.kind === kind).length <
      own.filter(({ event }) => event.kind === 'guest.recovered').length
    )
  }
  if (kind !== 'node.lost' && kind !== 'node.back') return besides.has(kind)
  const before = all
    .slice(0, all.indexOf(one))
    .filter(({ event }) => /^node\.(lost|back)$/.test(event.kind) && event.node === node)
  const isTurn = before.at(-1)?.event.kind !== kind
  return isTurn && (one.nodes[node] === 'online') === (kind === 'node.back')
}

export const lineOf = ({ t, event }: Told) => {
  const { from, to, planned, cause, downSeconds } = event
  const route = to === undefined ? '' : from === undefined || from === to ? ` → ${to}` : ` ${from} → ${to}`
  const more = [planned && 'planned', cause, downSeconds !== undefined && `down ${downSeconds} s`].filter(Boolean)
  return `${t} ${nameOf(event)}${route}${more.length > 0 ? ` (${more.join(', ')})` : ''}`
}

import type { Look } from './look.ts'
import type { Memory, VotesMemory } from './memory.ts'
import { quorumOf } from './quorum.ts'
import type { Telling } from './telling.ts'

/** A node that restarts is back before that. */
const marginMs = 60_000
const qdeviceMs = 30_000

/** How many more nodes the cluster can lose, and whether its QDevice still votes. */
export function seeVotes(memory: Memory, look: Look, telling: Telling): VotesMemory {
  const votes = { ...memory.votes }
  if (look.votes && JSON.stringify(look.votes) !== JSON.stringify(votes.votes)) votes.votes = look.votes
  if (look.status) seeMargin(votes, look, telling)
  if (look.qdevice) seeQdevice(votes, look.qdevice.state, look, telling)
  return JSON.stringify(votes) === JSON.stringify(memory.votes) ? memory.votes : votes
}

function seeMargin(votes: VotesMemory, look: Look, telling: Telling): void {
  const members = look.status?.members ?? []
  const quorum = quorumOf(true, members, votes.votes ?? [])
  const was = votes.margin
  // With a QDevice only corosync knows.
  if (quorum.margin === undefined || votes.qdevice !== undefined) return
  votes.margin = quorum.margin
  const values = { margin: quorum.margin, present: quorum.present, needed: quorum.needed, expected: quorum.expected }
  if (quorum.margin > 0) {
    delete votes.zeroSince
    if (votes.zeroTold) telling.tell('quorum.margin', '', { severity: 'info', values })
    delete votes.zeroTold
    return
  }
  // A cluster that never could lose a node has no news.
  if (was !== undefined && was > 0) votes.zeroSince = look.steady
  if (votes.zeroTold || votes.zeroSince === undefined || look.steady - votes.zeroSince < marginMs) return
  votes.zeroTold = true
  telling.tell('quorum.margin', '', { values })
}

function seeQdevice(votes: VotesMemory, state: string | undefined, look: Look, telling: Telling): void {
  const isConnected = state !== undefined && /^connected/i.test(state)
  if (isConnected) {
    votes.qdevice = state
    delete votes.qdeviceSince
    if (votes.qdeviceTold) telling.tell('qdevice.back', '', {})
    delete votes.qdeviceTold
    return
  }
  // It was taken out, or there never was one.
  if (votes.qdevice === undefined) return
  votes.qdeviceSince ??= look.steady
  if (votes.qdeviceTold || look.steady - votes.qdeviceSince < qdeviceMs) return
  votes.qdeviceTold = true
  telling.tell('qdevice.lost', '', state === undefined ? {} : { raw: state })
}

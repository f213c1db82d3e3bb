/** Who votes in a cluster, and how many more nodes it can lose. */
export interface Quorum {
  /** Votes of all nodes in corosync.conf. */
  expected: number
  /** Votes of the nodes that are online. */
  present: number
  /** Votes that make a majority. */
  needed: number
  quorate: boolean
  /**
   * How many of the online nodes may go, the ones with most votes first, before the cluster is read-only. Absent when
   * corosync's own word and this sum differ (a QDevice, an `expected` set by hand): then only corosync knows.
   */
  margin?: number
  offline: string[]
}

interface Member {
  name: string
  online: boolean
}

/** Sums up the votes. A node of `votes` that is no member counts as offline; without `votes` each member has one. */
export function quorumOf(
  quorate: boolean,
  members: readonly Member[],
  votes: readonly { name: string; votes: number }[],
): Quorum {
  const online = new Set(members.filter((member) => member.online).map(({ name }) => name))
  const voters = votes.length > 0 ? votes : members.map(({ name }) => ({ name, votes: 1 }))
  const expected = sum(voters)
  const here = voters.filter(({ name }) => online.has(name))
  const present = sum(here)
  const needed = Math.floor(expected / 2) + 1
  const offline = voters.filter(({ name }) => !online.has(name)).map(({ name }) => name)
  const all = { expected, present, needed, quorate, offline }
  if (present >= needed !== quorate) return all
  let margin = -1
  let left = present
  for (const { votes } of [...here].sort((a, b) => b.votes - a.votes)) {
    if (left < needed) break
    margin += 1
    left -= votes
  }
  return { ...all, margin: Math.max(0, margin) }
}

const sum = (voters: readonly { votes: number }[]) => voters.reduce((total, { votes }) => total + votes, 0)

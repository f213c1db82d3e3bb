import { z } from 'zod'
import type { ClusterMember, ClusterStatus, Qdevice, ReplicationJob, Version, Votes } from '../port.ts'
import { Flag, Num, present, rowsOf, Text } from './parse.ts'

export const VersionReply: z.ZodType<Version> = z
  .object({ release: Text, version: Text })
  .transform(({ release, version }) => {
    const [major = 0, minor = 0] = version.split(/[.-]/).map(Number)
    return { release, version, major, minor }
  })

const MemberRow: z.ZodType<ClusterMember> = z
  .object({ name: z.string(), online: Flag, local: Flag, nodeid: Num, ip: z.string().optional() })
  .transform(present)

const ClusterRow = z.object({ name: z.string(), quorate: Flag, nodes: Num, version: Num })

const Members = rowsOf(['node'], MemberRow)
const Clusters = rowsOf(['cluster'], ClusterRow)

export const ClusterStatusReply: z.ZodType<ClusterStatus> = z.unknown().transform((rows, context) => {
  const parts = { members: Members.safeParse(rows), clusters: Clusters.safeParse(rows) }
  for (const part of Object.values(parts)) {
    for (const issue of part.error?.issues ?? []) context.addIssue(issue as never)
  }
  const cluster = parts.clusters.data?.[0]
  return { members: parts.members.data ?? [], ...(cluster ? { cluster } : {}) }
})

export const VotesReply: z.ZodType<Votes[]> = z.array(
  z
    .object({ name: z.string().optional(), node: z.string(), quorum_votes: Num.default(1) })
    .transform((row) => ({ name: row.name ?? row.node, votes: row.quorum_votes })),
)

export const NextIdReply: z.ZodType<number> = Num

export const TimeReply: z.ZodType<number> = z.object({ time: Num }).transform(({ time }) => time)

export const QdeviceReply: z.ZodType<Qdevice> = z
  .object({ State: Text.optional() })
  .transform(({ State }) => present({ state: State }))

export const ReplicationReply: z.ZodType<ReplicationJob[]> = z.array(
  z
    .object({ id: z.string(), guest: Num.optional(), fail_count: Num.default(0), error: Text.optional() })
    .transform(({ id, guest, fail_count, error }) =>
      present({ id, guest: guest ?? Number(id.split('-')[0]), failCount: fail_count, error }),
    ),
)

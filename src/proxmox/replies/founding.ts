import { z } from 'zod'
import type { JoinInfo, NetworkAddress, ProxmoxUser, ReplicationPlan } from '../cluster-port.ts'
import { Num, present, Text } from './parse.ts'

const Member = z
  .looseObject({
    name: z.string(),
    nodeid: Num,
    quorum_votes: Num.default(1),
    pve_addr: z.string().optional(),
    pve_fp: z.string().optional(),
  })
  .transform((row) => ({
    name: row.name,
    nodeid: row.nodeid,
    votes: row.quorum_votes,
    links: linksOf(row),
    ...(row.pve_addr ? { address: row.pve_addr } : {}),
    ...(row.pve_fp ? { fingerprint: row.pve_fp.toUpperCase() } : {}),
  }))

/** `ring0_addr`, `ring1_addr`, …, in their order. */
function linksOf(row: Record<string, unknown>): string[] {
  const rings = Object.entries(row).filter(([key, value]) => /^ring\d_addr$/.test(key) && typeof value === 'string')
  return rings.sort(([a], [b]) => a.localeCompare(b)).map(([, value]) => value as string)
}

export const JoinInfoReply: z.ZodType<JoinInfo> = z
  .object({
    preferred_node: z.string(),
    totem: z.object({ cluster_name: Text, config_version: Num.default(0) }),
    nodelist: z.array(Member),
  })
  .transform(({ preferred_node, totem, nodelist }) => ({
    name: totem.cluster_name,
    version: totem.config_version,
    preferred: preferred_node,
    members: nodelist.sort((a, b) => a.nodeid - b.nodeid),
  }))

export const AddressesReply: z.ZodType<NetworkAddress[]> = z
  .array(
    z.object({
      iface: z.string(),
      address: z.string().optional(),
      cidr: z.string().optional(),
      address6: z.string().optional(),
      cidr6: z.string().optional(),
    }),
  )
  .transform((rows) =>
    rows.flatMap(({ iface, address, cidr, address6, cidr6 }) => [
      ...(address ? [present({ iface, address, cidr })] : []),
      ...(address6 ? [present({ iface, address: address6, cidr: cidr6 })] : []),
    ]),
  )

export const HostsFileReply: z.ZodType<string> = z.object({ data: z.string() }).transform(({ data }) => data)

export const NodeVersionReply: z.ZodType<string> = z.object({ version: Text }).transform(({ version }) => version)

export const UsersReply: z.ZodType<ProxmoxUser[]> = z.array(
  z
    .object({ userid: z.string(), tokens: z.array(z.object({ tokenid: z.string() })).default([]) })
    .transform(({ userid, tokens }) => ({ id: userid, tokens: tokens.map(({ tokenid }) => tokenid) })),
)

/** What a user has registered; recovery keys alone ask for nothing at login. */
export const FactorsReply: z.ZodType<boolean> = z
  .array(z.object({ type: z.string().optional(), enable: z.unknown().optional() }))
  .transform((factors) => factors.some(({ type }) => type !== 'recovery'))

export const ReplicationPlansReply: z.ZodType<ReplicationPlan[]> = z.array(
  z
    .object({ id: z.string(), guest: Num.optional(), target: z.string() })
    .transform(({ id, guest, target }) => ({ id, guest: guest ?? Number(id.split('-')[0]), target })),
)

const Daemons = z.record(z.string(), z.looseObject({ hostname: z.string().optional() }))

/** `GET /cluster/ceph/metadata`: monitors and the like by `id@host`, disks as a list. */
export const CephNodesReply: z.ZodType<string[]> = z
  .object({
    mon: Daemons.default({}),
    mgr: Daemons.default({}),
    mds: Daemons.default({}),
    osd: z.array(z.looseObject({ hostname: z.string().optional() })).default([]),
  })
  .transform(({ mon, mgr, mds, osd }) => {
    const daemons = [mon, mgr, mds].flatMap((part) =>
      Object.entries(part).map(([id, { hostname }]) => hostname ?? id.split('@')[1]),
    )
    const hosts = [...daemons, ...osd.map(({ hostname }) => hostname)]
    return [...new Set(hosts.filter((host) => host !== undefined))].sort()
  })

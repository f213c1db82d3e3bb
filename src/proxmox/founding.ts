import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { ClusterReads, ProxmoxRoot } from './cluster-port.ts'
import type { RequestOptions } from './engine.ts'
import { PveError } from './errors.ts'
import type { Params, ProxmoxWriter } from './port.ts'
import {
  AddressesReply,
  CephNodesReply,
  FactorsReply,
  HostsFileReply,
  JoinInfoReply,
  NodeVersionReply,
  ReplicationPlansReply,
  UsersReply,
} from './replies/founding.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** Calls whose generated types say less than we send or get. */
interface Loose {
  $get(params?: Params): Promise<unknown>
  $post(params: Params): Promise<unknown>
  $delete(): Promise<unknown>
  $(id: string): Loose
}

const loose = (part: unknown) => part as Loose

/** What is read of hosts and clusters before they are brought together. */
export function foundingReads(api: Api, read: Read): ClusterReads {
  return {
    async joinInfo(node, o) {
      try {
        return await read(JoinInfoReply, loose(api(o).cluster.config.join).$get({ node }))
      } catch (error) {
        if (error instanceof PveError && error.status === 424) return undefined
        throw error
      }
    },
    addresses: (node, o) => read(AddressesReply, api(o).nodes.$(node).network.$get()),
    hostsFile: (node, o) => read(HostsFileReply, api(o).nodes.$(node).hosts.$get()),
    nodeVersion: (node, o) => read(NodeVersionReply, api(o).nodes.$(node).version.$get()),
    users: (o) => read(UsersReply, loose(api(o).access.users).$get({ full: true })),
    hasSecondFactor: (user, o) => read(FactorsReply, loose(api(o).access.tfa).$(user).$get()),
    replicationPlans: (o) => read(ReplicationPlansReply, api(o).cluster.replication.$get()),
    async cephNodes(o) {
      try {
        return await read(CephNodesReply, loose(api(o).cluster.ceph.metadata).$get())
      } catch (error) {
        const isAbsent =
          error instanceof PveError && (error.status === 501 || /not (?:installed|init)/.test(error.text))
        if (isAbsent) return []
        throw error
      }
    },
  }
}

type RootCalls = Omit<ProxmoxRoot, keyof ProxmoxWriter | 'close' | 'logIn'>

/** What Proxmox takes from root@pam in person alone. */
export function rootCalls(api: Api, upidOf: (call: Promise<unknown>) => Promise<string>): RootCalls {
  return {
    createCluster: (params, o) => upidOf(loose(api(o).cluster.config).$post(params)),
    joinCluster: ({ hostname, fingerprint, password, links }, o) => {
      const ends = Object.fromEntries(links.map((link, i) => [`link${i}`, link]))
      const params = { hostname, fingerprint, password: password.reveal(), ...ends }
      return upidOf(loose(api(o).cluster.config.join).$post(params))
    },
    removeNode: async (node, o) => void (await loose(api(o).cluster.config.nodes).$(node).$delete()),
  }
}

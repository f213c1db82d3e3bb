import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { Reply } from './answer.ts'
import type { RequestOptions } from './engine.ts'
import type { HostReads, HostWrites } from './host-port.ts'
import type { Params } from './port.ts'
import {
  CardsReply,
  CorosyncNodesReply,
  DisksReply,
  HostStatusReply,
  InterfacesReply,
  MigrationCheckReply,
  NodeConfigReply,
  RepositoriesReply,
  SubscriptionReply,
  UpdatesReply,
} from './replies/host.ts'
import { parseReply } from './replies/parse.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** Asking every disk for its health takes seconds. */
const SMART_MS = 30_000

/** What the generated types do not know, or know of other versions only. */
interface HostApi {
  network: {
    $get(): Promise<unknown>
    $post(params: Params): Promise<unknown>
    $put(): Promise<unknown>
    $delete(): Promise<unknown>
    $(iface: string): { $put(params: Params): Promise<unknown>; $delete(): Promise<unknown> }
  }
  status: { $get(): Promise<unknown>; $post(params: Params): Promise<unknown> }
  disks: { list: { $get(params: Params): Promise<unknown> } }
  hardware: { pci: { $get(params: Params): Promise<unknown> } }
  apt: Record<'repositories' | 'update', { $get(): Promise<unknown>; $post(): Promise<unknown> }>
  subscription: { $get(): Promise<unknown> }
  config: { $get(): Promise<unknown> }
  wakeonlan: { $post(): Promise<unknown> }
  qemu: GuestApi
  lxc: GuestApi
}

interface GuestApi {
  $(vmid: number): { migrate: { $get(params: Params): Promise<unknown>; $post(params: Params): Promise<unknown> } }
}

const host = (api: Pve.Api, node: string) => api.nodes.$(node) as unknown as HostApi

export function hostReads(api: Api, read: Read): HostReads {
  return {
    hostStatus: (node, o) => read(HostStatusReply, host(api(o), node).status.$get()),
    hostDisks: (node, smart, o) =>
      read(
        DisksReply,
        host(api(smart ? { timeoutMs: SMART_MS, ...o } : o), node).disks.list.$get({
          'include-partitions': true,
          skipsmart: smart ? undefined : true,
        }),
      ),
    async hostNetwork(node, o) {
      const reply = (await host(api(o), node).network.$get()) as Reply
      const interfaces = parseReply(InterfacesReply, reply)
      return { interfaces, ...(typeof reply.changes === 'string' ? { changes: reply.changes } : {}) }
    },
    hostCards: (node, o) => read(CardsReply, host(api(o), node).hardware.pci.$get({ 'pci-class-blacklist': '' })),
    repositories: (node, o) => read(RepositoriesReply, host(api(o), node).apt.repositories.$get()),
    subscription: (node, o) => read(SubscriptionReply, host(api(o), node).subscription.$get()),
    updates: (node, o) => read(UpdatesReply, host(api(o), node).apt.update.$get()),
    corosyncNodes: (o) => read(CorosyncNodesReply, api(o).cluster.config.nodes.$get()),
    wakeAddress: (node, o) => read(NodeConfigReply, host(api(o), node).config.$get()),
    migrationCheck: ({ node, kind, vmid }, target, o) =>
      read(MigrationCheckReply, host(api(o), node)[kind].$(vmid).migrate.$get({ target })),
  }
}

export function hostWrites(
  api: Api,
  upidOf: (call: Promise<unknown>) => Promise<string>,
  silent: (call: Promise<unknown>) => Promise<void>,
): HostWrites {
  return {
    hostPower: (node, command, o) => silent(host(api(o), node).status.$post({ command })),
    wakeHost: (node, o) => silent(host(api(o), node).wakeonlan.$post()),
    refreshUpdates: (node, o) => upidOf(host(api(o), node).apt.update.$post()),
    migrateGuest: ({ node, kind, vmid }, params, o) => upidOf(host(api(o), node)[kind].$(vmid).migrate.$post(params)),
    createInterface: (node, params, o) => silent(host(api(o), node).network.$post(params)),
    updateInterface: (node, iface, params, o) => silent(host(api(o), node).network.$(iface).$put(params)),
    deleteInterface: (node, iface, o) => silent(host(api(o), node).network.$(iface).$delete()),
    applyNetwork: (node, o) => upidOf(host(api(o), node).network.$put()),
    revertNetwork: (node, o) => silent(host(api(o), node).network.$delete()),
  }
}

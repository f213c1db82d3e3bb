import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { RequestOptions } from './engine.ts'
import type { GuestReads, GuestWrites } from './guest-port.ts'
import type { GuestRef, Params } from './port.ts'
import { PendingReply, SnapshotsReply } from './replies/guest.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** What machines and containers have in common, which the generated types do not say. */
interface GuestApi {
  config: { $put(params: Params): Promise<unknown> }
  pending: { $get(): Promise<unknown> }
  template: { $post(): Promise<unknown> }
  snapshot: {
    $get(): Promise<unknown>
    $post(params: Params): Promise<unknown>
    $(name: string): { $delete(): Promise<unknown>; rollback: { $post(): Promise<unknown> } }
  }
}

const at = (api: Pve.Api, { node, kind, vmid }: GuestRef) =>
  (api.nodes.$(node)[kind] as unknown as { $(vmid: number): GuestApi }).$(vmid)

export function guestReads(api: Api, read: Read): GuestReads {
  return {
    pendingChanges: (guest, o) => read(PendingReply, at(api(o), guest).pending.$get()),
    snapshots: (guest, o) => read(SnapshotsReply, at(api(o), guest).snapshot.$get()),
  }
}

export function guestWrites(api: Api, upidOf: (call: Promise<unknown>) => Promise<string>): GuestWrites {
  return {
    updateGuest: async (guest, params, o) => void (await at(api(o), guest).config.$put(params)),
    takeSnapshot: (guest, params, o) => upidOf(at(api(o), guest).snapshot.$post(params)),
    deleteSnapshot: (guest, name, o) => upidOf(at(api(o), guest).snapshot.$(name).$delete()),
    rollBack: (guest, name, o) => upidOf(at(api(o), guest).snapshot.$(name).rollback.$post()),
    makeTemplate: (guest, o) => upidOf(at(api(o), guest).template.$post()),
  }
}

import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { RequestOptions } from './engine.ts'
import type { GuestReads, GuestWrites } from './guest-port.ts'
import type { GuestRef, Params } from './port.ts'
import { PendingReply } from './replies/guest.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** What machines and containers have in common, which the generated types do not say. */
interface GuestApi {
  config: { $put(params: Params): Promise<unknown> }
  pending: { $get(): Promise<unknown> }
}

const at = (api: Pve.Api, { node, kind, vmid }: GuestRef) =>
  (api.nodes.$(node)[kind] as unknown as { $(vmid: number): GuestApi }).$(vmid)

export function guestReads(api: Api, read: Read): GuestReads {
  return {
    pendingChanges: (guest, o) => read(PendingReply, at(api(o), guest).pending.$get()),
  }
}

export function guestWrites(api: Api): GuestWrites {
  return {
    updateGuest: async (guest, params, o) => void (await at(api(o), guest).config.$put(params)),
  }
}

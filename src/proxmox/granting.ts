import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { AccessReads, ProxmoxAccess } from './access-port.ts'
import type { RequestOptions } from './engine.ts'
import type { Params, Proxmox } from './port.ts'
import { GroupsReply, RealmOptionsReply, RealmsReply } from './replies/access.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** Calls whose generated types say less than we send or get. */
interface Loose {
  $get(): Promise<unknown>
  $post(params: Params): Promise<unknown>
  $put(params: Params): Promise<unknown>
  $(id: string): Loose
  sync: Pick<Loose, '$post'>
}

const accessOf = (api: Pve.Api) => api.access as unknown as Record<'acl' | 'domains' | 'groups', Loose>

/** With the connection tried, a directory that is silent keeps Proxmox waiting. */
const PATIENT_MS = 45_000

export function accessReads(api: Api, read: Read): AccessReads {
  return {
    accessGroups: (o) => read(GroupsReply, accessOf(api(o)).groups.$get()),
    accessRealms: (o) => read(RealmsReply, accessOf(api(o)).domains.$get()),
    realmOptions: (realm, o) => read(RealmOptionsReply, accessOf(api(o)).domains.$(realm).$get()),
  }
}

type Writes = Omit<ProxmoxAccess, keyof Proxmox | 'close'>

export function accessWrites(api: Api, upidOf: (call: Promise<unknown>) => Promise<string>): Writes {
  return {
    updateAccess: async (params, o) => void (await accessOf(api(o)).acl.$put(params)),
    createRealm: async (params, o) => void (await accessOf(api({ timeoutMs: PATIENT_MS, ...o })).domains.$post(params)),
    syncRealm: (realm, params, o) => upidOf(accessOf(api(o)).domains.$(realm).sync.$post(params)),
  }
}

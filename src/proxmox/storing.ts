import type { Proxmox as Pve } from 'proxmox-api'
import type { z } from 'zod'
import type { Reply } from './answer.ts'
import type { RequestOptions } from './engine.ts'
import { PveError } from './errors.ts'
import type { Params, Upid } from './port.ts'
import { parseReply } from './replies/parse.ts'
import {
  AppliancesReply,
  StorageActiveReply,
  scanReply,
  UrlFactsReply,
  VolumeGroupsReply,
  ZfsPoolReply,
} from './replies/storing.ts'
import type { StorageReads, StorageWrites } from './storage-port.ts'

type Api = (o?: RequestOptions) => Pve.Api
type Read = <T>(schema: z.ZodType<T>, call: Promise<unknown>) => Promise<T>

/** Calls whose generated types say less than we send or get. */
interface Loose {
  $get(params?: Params): Promise<unknown>
  $post(params: Params): Promise<unknown>
  $put(params: Params): Promise<unknown>
  $delete(): Promise<unknown>
  $(id: string): Loose
  [below: string]: unknown
}

const loose = (part: unknown) => part as Loose
const storageAt = (api: Pve.Api, node: string, storage: string) =>
  api.nodes.$(node).storage.$(storage) as unknown as Record<'status' | 'content' | 'download-url', Loose>

/** A server that hangs is given up by Proxmox itself after some seconds. */
const PATIENT_MS = 45_000

export function storageReads(api: Api, read: Read): StorageReads {
  return {
    async storageState(node, storage, o) {
      const at = storageAt(api({ timeoutMs: PATIENT_MS, ...o }), node, storage)
      try {
        const state = await read(StorageActiveReply, at.status.$get())
        if (state.active) return state
        // Its status does not say why; whoever lists it is told.
        await at.content.$get()
        return { active: false }
      } catch (error) {
        if (error instanceof PveError && error.status === 500) return { active: false, line: error.text }
        throw error
      }
    },
    volumeGroups: (node, o) => read(VolumeGroupsReply, loose(api(o).nodes.$(node).disks.lvm).$get()),
    zfsPool: (node, pool, o) => {
      const disks = api(o).nodes.$(node).disks as unknown as Record<'zfs', Loose>
      return read(ZfsPoolReply, disks.zfs.$(pool).$get())
    },
    urlFacts: (node, url, o) => {
      const at = api({ timeoutMs: PATIENT_MS, ...o }).nodes.$(node) as unknown as Record<'query-url-metadata', Loose>
      return read(UrlFactsReply, at['query-url-metadata'].$get({ url }))
    },
    appliances: (node, o) => read(AppliancesReply, loose(api(o).nodes.$(node).aplinfo).$get()),
  }
}

export function storageWrites(api: Api, upidOf: (call: Promise<unknown>) => Promise<Upid>): StorageWrites {
  return {
    async scanStorage(node, what, params, o) {
      const scan = api({ timeoutMs: PATIENT_MS, ...o }).nodes.$(node).scan as unknown as Record<string, Loose>
      return parseReply(scanReply(what), (await scan[what]!.$get(params ?? {})) as Reply)
    },
    createStorage: async (params, o) => void (await loose(api({ timeoutMs: PATIENT_MS, ...o }).storage).$post(params)),
    updateStorage: async (storage, params, o) =>
      void (await loose(api({ timeoutMs: PATIENT_MS, ...o }).storage)
        .$(storage)
        .$put(params)),
    deleteStorage: async (storage, o) => void (await loose(api(o).storage).$(storage).$delete()),
    deleteVolume: (node, volid, o) => {
      const storage = volid.slice(0, volid.indexOf(':'))
      return upidOf(storageAt(api(o), node, storage).content.$(volid).$delete())
    },
    downloadUrl: (node, storage, params, o) => upidOf(storageAt(api(o), node, storage)['download-url'].$post(params)),
    downloadAppliance: (node, storage, template, o) =>
      upidOf(loose(api(o).nodes.$(node).aplinfo).$post({ storage, template })),
  }
}

import type { Look } from '../src/ha/look.ts'
import { ClusterStatusReply } from '../src/proxmox/replies/cluster.ts'
import { HaStatusReply, ManagerStatusReply } from '../src/proxmox/replies/ha.ts'
import { parseReply } from '../src/proxmox/replies/parse.ts'
import { GuestRows } from '../src/proxmox/replies/resources.ts'
import type { Frame } from './ha-scenarios.ts'

/** A recorded moment as the client would have read it. */
export function lookOf(frame: Frame, when: Pick<Look, 'at' | 'steady' | 'gap'>): Look {
  const read = <T>(schema: Parameters<typeof parseReply<T>>[0], data: unknown) =>
    parseReply(schema, { method: 'GET', path: '/', endpoint: '', data, total: undefined })
  if (!frame.ha) return { ...when }
  return {
    ...when,
    ha: read(HaStatusReply, frame.ha),
    manager: read(ManagerStatusReply, frame.manager),
    status: read(ClusterStatusReply, frame.status),
    resources: { guests: read(GuestRows, frame.resources), storages: [] },
    tasks: [],
  }
}

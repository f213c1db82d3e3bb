import { Refused } from './errors.ts'
import type { Values } from './language.ts'
import type { ProxmoxWriterPort } from './ports.ts'

type Scans = Pick<ProxmoxWriterPort, 'scanStorage'>

export interface WantedStorage {
  id: string
  type: string
  /** Proxmox's parameters. */
  params: Record<string, string | boolean>
  node: string
}

interface Look {
  what: 'nfs' | 'iscsi' | 'lvm' | 'lvmthin' | 'zfs' | 'cifs'
  /** Who is asked, as people know it. */
  at: string
  params: Record<string, string>
  wanted: string
  code: string
}

/**
 * Where somebody mistyped, what is there is named. Whoever does not answer now is left to Proxmox's own refusal.
 * @throws Refused `no-export`, `no-target`, `no-group`, `no-thin-pool`, `no-pool`
 */
export async function refuseAbsent(proxmox: Scans, wanted: WantedStorage): Promise<void> {
  if (wanted.params.base !== undefined) return
  for (const look of looksBefore(wanted)) {
    const there = await proxmox.scanStorage(wanted.node, look.what, look.params).catch(() => undefined)
    if (there && !isIn(there, look)) throw absent(look, there, wanted)
  }
}

/**
 * Why Proxmox may have refused, where the server tells: asked only then, since a share may be hidden from everybody who
 * comes without a name. The password is never sent along: a scan carries it in its address, and nodes write addresses
 * into their access log.
 */
export async function absentShare(proxmox: Scans, wanted: WantedStorage): Promise<Refused | undefined> {
  if (wanted.type !== 'cifs') return undefined
  const at = text(wanted, 'server')
  const look: Look = { what: 'cifs', at, params: { server: at }, wanted: text(wanted, 'share'), code: 'no-share' }
  const there = await proxmox.scanStorage(wanted.node, 'cifs', look.params).catch(() => undefined)
  return there && there.length > 0 && !there.includes(look.wanted) ? absent(look, there, wanted) : undefined
}

const text = ({ params }: WantedStorage, name: string) => String(params[name] ?? '')

function looksBefore(wanted: WantedStorage): Look[] {
  const { type, node } = wanted
  const of = (name: string) => text(wanted, name)
  const server = of('server')
  const vg = of('vgname')
  const group: Look = { what: 'lvm', at: node, params: {}, wanted: vg, code: 'no-group' }
  switch (type) {
    case 'nfs':
      return [{ what: 'nfs', at: server, params: { server }, wanted: of('export'), code: 'no-export' }]
    case 'iscsi': {
      const portal = of('portal')
      return [{ what: 'iscsi', at: portal, params: { portal }, wanted: of('target'), code: 'no-target' }]
    }
    case 'lvm':
      return [group]
    case 'lvmthin':
      return [group, { what: 'lvmthin', at: node, params: { vg }, wanted: of('thinpool'), code: 'no-thin-pool' }]
    case 'zfspool':
      return [{ what: 'zfs', at: node, params: {}, wanted: of('pool'), code: 'no-pool' }]
    default:
      return []
  }
}

/** A folder below an export can be mounted too, and so can the root that NFS 4 puts above them. */
function isIn(there: readonly string[], { what, wanted }: Look): boolean {
  if (there.includes(wanted)) return true
  return what === 'nfs' && (wanted === '/' || there.some((path) => wanted.startsWith(path.replace(/\/?$/, '/'))))
}

function absent({ at, wanted, code }: Look, there: readonly string[], { id, params }: WantedStorage): Refused {
  const values: Values = {
    ...{ id, server: at, wanted, vg: String(params.vgname ?? '') },
    ...{ there: there.join(', ') || '-', first: there[0] ?? 'NAME' },
  }
  return new Refused(code, values)
}

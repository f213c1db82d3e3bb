import { formatSize } from './args.ts'
import { Refused } from './errors.ts'
import type { ProxmoxPort } from './ports.ts'

type Groups = Awaited<ReturnType<ProxmoxPort['volumeGroups']>>
type Volumes = Awaited<ReturnType<ProxmoxPort['storageContents']>>

/** A disk of an array, and what can be said of it before LVM is put there. */
export interface Lun {
  volid: string
  size: number
  /** `ours`: the volume group of that name lies on it. `unproved`: nothing tells that it is empty. */
  holds: 'ours' | 'unproved'
}

/** LVM keeps something for itself, and rounds down to whole extents of 4 MiB. */
const slack = 16 * 1024 ** 2
const couldBe = (lun: number, disk: number) => disk <= lun && lun - disk <= slack

/**
 * What is known of a LUN before it becomes the base of a volume group. Proxmox offers no look inside: a volume group that
 * it keeps there is seen, an old filesystem is not. And on a LUN without LVM it clears the first sector, before LVM is
 * asked whether it can have that name.
 * @throws Refused `no-such-base`, `no-such-lun`, `lun-in-use`, `vg-elsewhere`, `lun-of-another`
 */
export async function lookAtLun(
  proxmox: ProxmoxPort,
  o: { base: string; vg: string; node: string; signal?: AbortSignal },
): Promise<Lun> {
  const { base, vg, node } = o
  const options = o.signal === undefined ? {} : { signal: o.signal }
  const array = base.slice(0, base.indexOf(':'))
  const config = await proxmox.storageConfig(options)
  const section = config.find(({ storage }) => storage === array)
  if (section?.type !== 'iscsi') throw new Refused('no-such-base', { base, array })
  const user = config.find(({ options: has }) => has.base === base)
  if (user) throw new Refused('lun-in-use', { base, storage: user.storage })
  const [volumes, groups] = await Promise.all([
    proxmox.storageContents(node, array, undefined, options),
    proxmox.volumeGroups(node, options),
  ])
  const lun = volumes.find(({ volid }) => volid === base)
  if (!lun) throw new Refused('no-such-lun', { base, array, luns: lunsText(volumes) })
  return { volid: base, size: lun.size, holds: holding(lun, volumes, groups, vg) }
}

const lunsText = (volumes: Volumes): string =>
  volumes.map(({ volid, size }) => `${volid} (${formatSize(size)})`).join(', ') || '-'

function holding(lun: Volumes[number], all: Volumes, groups: Groups, vg: string): Lun['holds'] {
  const fits = (group: Groups[number]) => group.disks.length === 1 && couldBe(lun.size, group.disks[0]!.size)
  const isAlone = all.filter(({ size }) => Math.abs(size - lun.size) <= slack).length === 1
  const named = groups.find(({ name }) => name === vg)
  if (named && fits(named) && isAlone) return 'ours'
  const values = { base: lun.volid, size: formatSize(lun.size), vg }
  if (named) throw new Refused('vg-elsewhere', values)
  const other = groups.find(fits)
  if (other) throw new Refused('lun-of-another', { ...values, other: other.name })
  return 'unproved'
}

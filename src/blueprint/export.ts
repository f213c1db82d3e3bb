import { type Blueprint, contents } from '../core/blueprint.ts'
import { drivesOf } from '../core/guest.ts'
import { type HaSite, numberOf } from '../core/ha.ts'
import { networkOf } from '../core/joining.ts'
import { isDriversIso, type Preset } from '../core/presets.ts'
import { storageArgs } from '../core/storage-params.ts'
import { affinitiesOf, preferenceOf } from '../ha/affinity.ts'
import type { Site } from './site.ts'

const GiB = 1024 ** 3
const states = ['started', 'stopped', 'disabled', 'ignored'] as const

/** A blueprint of what runs, and what of it a blueprint cannot say: that is left out and named, never made up. */
export interface Exported {
  blueprint: Blueprint
  left: { what: 'container' | 'template' | 'storage' | 'disks' | 'ha'; name: string }[]
}

export function blueprintOf({ status, ha, configs, storages, links }: Site): Exported {
  const left: Exported['left'] = []
  const members = status.members.toSorted((a, b) => a.nodeid - b.nodeid).map(({ name }) => name)
  const [first, ...join] = members
  const guests = ha.guests
    .toSorted((a, b) => a.vmid - b.vmid)
    .flatMap((guest): Blueprint['guests'] => {
      const config = configs.get(guest.vmid)
      const named = { name: `${guest.name} (${guest.vmid})` }
      if (guest.kind !== 'qemu') return drop('container', named.name)
      if (guest.template) return drop('template', named.name)
      const disks = drivesOf(config ?? {}).filter(
        ({ cdrom, key }) => !cdrom && /^(?:scsi|virtio|sata|ide)\d+$/.test(key),
      )
      const [disk] = disks
      if (disks.length !== 1 || !disk?.storage || disk.bytes === undefined) return drop('disks', named.name)
      const iso = drivesOf(config ?? {}).find(
        ({ cdrom, volid }) => cdrom && volid?.includes(':iso/') && !isDriversIso(volid),
      )?.volid
      return [
        {
          id: guest.vmid,
          name: guest.name,
          ...presetOf(config?.ostype, disk.key),
          node: guest.node,
          cores: Number(config?.cores ?? 1),
          memory: `${Number(config?.memory ?? 512)}M`,
          disk: { storage: disk.storage, size: `${Math.ceil(disk.bytes / GiB)}G` },
          ...(iso === undefined ? {} : { iso }),
        },
      ]
    })
  const [link0, link1] = links.map(({ cidr }) => cidr && networkOf(cidr))
  const networks = { ...(link0 ? { link0 } : {}), ...(link1 ? { link1 } : {}) }
  const blueprint: Blueprint = {
    ...(status.cluster && first ? { cluster: { name: status.cluster.name, first, join, ...networks } } : {}),
    storage: storages.flatMap((one) => storageOf(one) ?? drop('storage', `${one.storage} (${one.type})`)),
    downloads: [],
    guests,
    ha: haOf(ha, left),
    validate: [],
  }
  return { blueprint, left }

  function drop(what: Exported['left'][number]['what'], name: string): [] {
    left.push({ what, name })
    return []
  }
}

/** Undefined: it is switched off, of a kind that no blueprint knows, or lacks what its kind cannot do without. */
function storageOf({ storage: id, type, content, nodes, shared, disabled, options }: Site['storages'][number]) {
  const args = storageArgs(type, options)
  const known = content.filter((one) => contents.some((name) => name === one)) as (typeof contents)[number][]
  if (!args || disabled || known.length < content.length) return undefined
  const isChosen = type === 'lvm' || type === 'dir'
  return { id, ...args, content: known, ...(nodes ? { nodes } : {}), ...(isChosen ? { shared } : {}) }
}

function presetOf(ostype: string | undefined, disk: string): { preset?: Preset } {
  if (ostype === 'win11') return { preset: 'windows-11' }
  if (ostype !== 'win10') return {}
  return { preset: disk.startsWith('sata') ? 'thesis' : 'windows-10' }
}

function haOf(ha: HaSite, left: Exported['left']): Blueprint['ha'] {
  const affinities = affinitiesOf({ ...ha, resources: ha.managed })
  const prefer = affinities.preferences.filter(({ disabled }) => !disabled)
  for (const { name } of affinities.bonds) left.push({ what: 'ha', name })
  return {
    prefer: Object.fromEntries(
      prefer.map(({ name, nodes }) => [name, Object.fromEntries(nodes.map((one) => [one.node, one.priority]))]),
    ),
    guests: ha.managed.map(({ sid, state, maxRestart, maxRelocate }) => {
      const preferred = preferenceOf(affinities, sid)?.name
      const wanted = states.find((one) => one === state) ?? 'started'
      return {
        guest: numberOf(sid),
        ...(preferred === undefined ? {} : { prefer: preferred }),
        maxRestart,
        maxRelocate,
        state: wanted,
      }
    }),
  }
}

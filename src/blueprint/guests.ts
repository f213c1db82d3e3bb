import { formatSize, parseSize } from '../core/args.ts'
import type { Blueprint } from '../core/blueprint.ts'
import { driversAmong, machineLine, wantsDrivers } from '../core/presets.ts'
import { volidOf } from './downloads.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo, type Why } from './step.ts'

type Wanted = Blueprint['guests'][number]

const MiB = 1024 ** 2
const GiB = 1024 ** 3

/** Machines; one that is there is compared and never changed: `vm set` shows what that would mean. */
export const guestSteps = (blueprint: Blueprint, site: Site): Step[] =>
  blueprint.guests.map((guest) => step(guest, blueprint, site))

function step(wanted: Wanted, blueprint: Blueprint, site: Site): Step {
  const { id, name, node } = wanted
  const what = { key: 'guest' as const, values: { id, name, node } }
  const is = site.ha.guests.find(({ vmid }) => vmid === id)
  if (is) {
    if (is.name !== name)
      return never('guests', `guest ${id}`, what, { code: 'vmid-taken', values: { id, is: is.name } })
    const differs = differencesOf(wanted, site.configs.get(id) ?? {})
    if (differs.length === 0) return so('guests', `guest ${id}`, what)
    return never('guests', `guest ${id}`, what, { code: 'differs', values: { differs: differs.join('; ') } })
  }
  const why = hindrance(wanted, blueprint, site)
  if (why) return never('guests', `guest ${id}`, what, why)
  const payload = payloadOf(wanted, blueprint, site)
  return todo('guests', `guest ${id}`, what, {
    worker: 'vm-create',
    payload,
    command: commandOf(wanted),
    shell: [machineLine(id, payload)],
  })
}

const memoryMiB = ({ memory }: Wanted) => Math.floor(parseSize(memory, 'M')! / MiB)

function differencesOf(wanted: Wanted, config: Readonly<Record<string, string>>): string[] {
  const pairs: [string, number, number][] = [
    ['cores', Number(config.cores ?? 1), wanted.cores],
    ['memory', Number(config.memory ?? 512), memoryMiB(wanted)],
  ]
  return pairs.filter(([, is, to]) => is !== to).map(([key, is, to]) => `${key} ${is}, not ${to}`)
}

/** What would keep it from being made; storages and nodes that the blueprint itself brings are there by then. */
function hindrance(wanted: Wanted, { cluster, storage, downloads }: Blueprint, site: Site): Why | undefined {
  const { node, iso, disk } = wanted
  const brings = [cluster?.first, ...(cluster?.join ?? [])]
  const host = site.ha.nodes.find(({ name }) => name === node)
  if (host ? host.status !== 'online' : !brings.includes(node)) return { code: 'no-node', values: { node } }
  const planned = storage.find(({ id }) => id === disk.storage)
  const on = site.ha.storages.find((one) => one.storage === disk.storage && one.node === node)
  if (!on && !planned) return { code: 'no-storage', values: { storage: disk.storage, node } }
  if (on && !on.content.includes('images')) return { code: 'no-images', values: { storage: disk.storage } }
  const bytes = parseSize(disk.size, 'G')!
  const free = on?.total === undefined || on.used === undefined ? undefined : on.total - on.used
  if (free !== undefined && free < bytes) {
    return { code: 'no-space', values: { storage: disk.storage, free: formatSize(free), need: formatSize(bytes) } }
  }
  if (iso === undefined) return undefined
  const source = iso.split(':')[0]!
  const known = site.files.get(source)
  const comes = downloads.some((one) => volidOf(one) === iso)
  if (known && !comes && !known.includes(iso)) return { code: 'no-iso', values: { iso } }
  const isThere = site.storages.some((one) => one.storage === source) || storage.some(({ id }) => id === source)
  return isThere ? undefined : { code: 'no-storage', values: { storage: source, node } }
}

function payloadOf(wanted: Wanted, blueprint: Blueprint, site: Site) {
  const { id, name, node, cores, disk, iso, preset } = wanted
  return {
    name,
    node,
    storage: disk.storage,
    diskGiB: Math.max(1, Math.ceil(parseSize(disk.size, 'G')! / GiB)),
    cores,
    memoryMiB: memoryMiB(wanted),
    vmid: id,
    ...(iso === undefined ? {} : { iso }),
    ...(preset === undefined || preset === 'linux' ? {} : { preset }),
    ...(wantsDrivers(preset) ? driversOf(node, blueprint, site) : {}),
  }
}

/** Those that lie or will lie on a storage that the blueprint names; else the machine's own job looks for some. */
function driversOf(node: string, { downloads }: Blueprint, site: Site): { drivers: string } | { findDrivers: true } {
  const reached = site.ha.storages.filter((one) => one.node === node).map(({ storage }) => storage)
  const there = [...site.files].filter(([storage]) => reached.includes(storage)).flatMap(([, files]) => files)
  const drivers = driversAmong([...there, ...downloads.map(volidOf)])
  return drivers === undefined ? { findDrivers: true } : { drivers }
}

const commandOf = ({ id, name, node, cores, memory, disk, iso, preset }: Wanted) =>
  `vm create ${name} vmid:${id} node:${node} cores:${cores} memory:${memory} disk:${disk.storage}:${disk.size}${iso === undefined ? '' : ` iso:${iso}`}${preset === undefined ? '' : ` preset:${preset}`}`

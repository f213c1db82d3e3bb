import { formatSize } from '../core/args.ts'
import type { Blueprint } from '../core/blueprint.ts'
import { defaultContent, secretOf, storageParams } from '../core/storage-params.ts'
import { featuresOf } from '../ha/storage-features.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo } from './step.ts'

type Wanted = Blueprint['storage'][number]
type Params = Record<string, string | boolean>

/** Storages, in the order of the file: one that lies on another comes after it. */
export const storageSteps = (blueprint: Blueprint, site: Site): Step[] =>
  blueprint.storage.map((one) => {
    const is = site.storages.find(({ storage }) => storage.toLowerCase() === one.id.toLowerCase())
    return is ? compared(one, is) : step(one, blueprint, site)
  })

function step(wanted: Wanted, { cluster, storage: planned }: Blueprint, site: Site): Step {
  const { id, type, base, nodes: only } = wanted
  const what = { key: 'storage' as const, values: { id, type } }
  const array = base?.slice(0, base.indexOf(':'))
  const comes = planned.slice(0, planned.indexOf(wanted)).some((one) => one.id === array && one.type === 'iscsi')
  const look = site.luns.get(id)
  if (look && 'code' in look) return never('storage', id, what, { code: 'refused', values: {}, refused: look })
  if (base !== undefined && !look && !comes) {
    return never('storage', id, what, { code: 'no-array', values: { base, array } })
  }
  const command = commandOf(wanted)
  // What nobody could look at yet is looked at by the job, before it is touched.
  const holds = look?.holds ?? (wanted.wipe ? ('unproved' as const) : ('ours' as const))
  if (look?.holds === 'unproved' && !wanted.wipe) {
    const values = { base, size: formatSize(look.size), command: `${command} wipe:true` }
    return never('storage', id, what, { code: 'wipes', values })
  }
  const params = paramsOf(wanted, site)
  const secret = secretOf(type, wanted)
  const fits = ({ name, status }: { name: string; status: string }) =>
    status === 'online' && (only?.includes(name) ?? true)
  const flags = Object.entries(params).map(
    ([name, value]) => `--${name} ${typeof value === 'boolean' ? +value : value}`,
  )
  return todo('storage', id, what, {
    worker: 'storage-add',
    payload: {
      id,
      type,
      params,
      node: site.ha.nodes.find(fits)?.name ?? only?.[0] ?? cluster?.first ?? '',
      only: only ?? null,
      ...(secret === undefined ? {} : { secret }),
      ...(base === undefined
        ? {}
        : { lun: { volid: base, holds, ...(look === undefined ? {} : { size: look.size }) } }),
    },
    command,
    shell: [['pvesm add', type, id, ...flags].join(' ')],
    ...(base !== undefined && holds === 'unproved'
      ? { wipes: look === undefined ? base : `${base} (${formatSize(look.size)})` }
      : {}),
  })
}

/** What is there is never changed by a blueprint: a storage that differs is told of. */
function compared(wanted: Wanted, is: Site['storages'][number]): Step {
  const { id, type, shared } = wanted
  const what = { key: 'storage' as const, values: { id, type } }
  const pairs: [string, string | undefined, string | undefined][] = [
    ['type', is.type, type],
    // Later versions write a base down that earlier ones did not need; one that is not there is no other.
    ...Object.entries(storageParams(type, wanted)).flatMap(([name, to]): [string, string | undefined, string][] =>
      name === 'base' && is.options.base === undefined ? [] : [[name, is.options[name], to]],
    ),
    ['nodes', listed(is.nodes), listed(wanted.nodes)],
    ...(shared === undefined ? [] : [['shared', String(is.shared), String(shared)] as [string, string, string]]),
  ]
  const lacking = wanted.content?.filter((content) => content !== 'none' && !is.content.includes(content)) ?? []
  const differs = [
    ...pairs.filter(([, now, to]) => now !== to).map(([name, now, to]) => `${name} ${now ?? '-'}, not ${to ?? '-'}`),
    ...(lacking.length > 0 ? [`content ${is.content.join(',')}, not ${wanted.content!.join(',')}`] : []),
  ]
  if (differs.length === 0) return so('storage', id, what)
  return never('storage', id, what, { code: 'differs', values: { differs: differs.join('; ') } })
}

const listed = (nodes: readonly string[] | undefined) => nodes && [...nodes].sort().join(',')

/** As Proxmox names them, and as the command for one storage alone gives them. */
function paramsOf(wanted: Wanted, { version }: Pick<Site, 'version'>): Params {
  const { type, content, nodes, base } = wanted
  const canBeShared = featuresOf(type, version.major)?.shared === 'possible'
  return {
    ...storageParams(type, wanted),
    content: content?.join(',') ?? defaultContent(type),
    ...(nodes === undefined ? {} : { nodes: nodes.join(',') }),
    ...(canBeShared ? { shared: wanted.shared ?? base !== undefined } : {}),
  }
}

function commandOf({ id, wipe: _, content, nodes, shared, ...wanted }: Wanted): string {
  const lists = { content: content?.join(','), nodes: nodes?.join(','), shared }
  const typed = Object.entries({ ...wanted, ...lists }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}:${value}`],
  )
  return ['storage add', id, ...typed].join(' ')
}

import type { Blueprint } from '../core/blueprint.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo } from './step.ts'

type Wanted = Blueprint['storage'][number]

/** Storages, in the order of the file: one that lies on another comes after it. */
export const storageSteps = (blueprint: Blueprint, site: Site): Step[] =>
  blueprint.storage.map((one) => step(one, blueprint, site))

function step(wanted: Wanted, { cluster }: Blueprint, { storages, ha }: Site): Step {
  const { id, type, base, wipe, nodes } = wanted
  const what = { key: 'storage' as const, values: { id, type } }
  const is = storages.find(({ storage }) => storage === id)
  if (!is) {
    const params = paramsOf(wanted)
    const typed = Object.entries(params).map(([name, value]) => `${name}:${value}`)
    const command = ['storage add', id, `type:${type}`, ...typed].join(' ')
    // What a LUN holds is looked at, and its loss agreed to, by the command for one storage alone.
    if (base !== undefined || wipe) return never('storage', id, what, { code: 'wipes', values: { command } })
    const node = ha.nodes.find(({ status }) => status === 'online')?.name ?? cluster?.first ?? ''
    const flags = Object.entries(params).map(([name, value]) => `--${name} ${value}`)
    return todo('storage', id, what, {
      worker: 'storage-add',
      payload: { id, type, params, node, only: nodes ?? null },
      command,
      shell: [['pvesm add', type, id, ...flags].join(' ')],
    })
  }
  const lacking = wanted.content?.filter((content) => content !== 'none' && !is.content.includes(content)) ?? []
  const differs = [
    ...(is.type === type ? [] : [`type ${is.type}, not ${type}`]),
    ...(lacking.length > 0 ? [`content ${is.content.join(',')}, not ${wanted.content!.join(',')}`] : []),
  ]
  if (differs.length === 0) return so('storage', id, what)
  return never('storage', id, what, { code: 'differs', values: { differs: differs.join('; ') } })
}

/** As Proxmox names them. */
function paramsOf({ type, vg, pool, content, shared, nodes, ...wanted }: Wanted): Record<string, string | boolean> {
  const { server, export: exported, share, portal, target, path, base } = wanted
  const all = {
    server,
    export: exported,
    share,
    portal,
    target,
    path,
    base,
    vgname: vg,
    ...(type === 'lvmthin' ? { thinpool: pool } : { pool }),
    content: content?.join(','),
    shared: shared || undefined,
    nodes: nodes?.join(','),
  }
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

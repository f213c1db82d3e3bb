import type { Blueprint } from '../core/blueprint.ts'
import type { Site } from './site.ts'
import { never, type Step, so } from './step.ts'

type Wanted = Blueprint['storage'][number]

/** Storages, in the order of the file: one that lies on another comes after it. */
export const storageSteps = ({ storage }: Blueprint, site: Site): Step[] => storage.map((one) => step(one, site))

function step(wanted: Wanted, { storages }: Site): Step {
  const { id, type } = wanted
  const what = { key: 'storage' as const, values: { id, type } }
  const is = storages.find(({ storage }) => storage === id)
  if (!is) return never('storage', id, what, { code: 'by-hand', values: { command: `storage add ${id} type:${type}` } })
  const lacking = wanted.content?.filter((content) => content !== 'none' && !is.content.includes(content)) ?? []
  const differs = [
    ...(is.type === type ? [] : [`type ${is.type}, not ${type}`]),
    ...(lacking.length > 0 ? [`content ${is.content.join(',')}, not ${wanted.content!.join(',')}`] : []),
  ]
  if (differs.length === 0) return so('storage', id, what)
  return never('storage', id, what, { code: 'differs', values: { differs: differs.join('; ') } })
}

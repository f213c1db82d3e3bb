import type { Blueprint } from '../core/blueprint.ts'
import { algorithmOf, contentOf } from '../core/download.ts'
import type { Site } from './site.ts'
import { never, type Step, so, todo } from './step.ts'

/** Files that nodes fetch; one of that name that is there is not fetched again. */
export const downloadSteps = (blueprint: Blueprint, site: Site): Step[] =>
  blueprint.downloads.map((one) => step(one, blueprint, site))

/** As Proxmox will call it. */
export const volidOf = ({ to, name }: Blueprint['downloads'][number]): string => `${to}:${contentOf(name)}/${name}`

function step(wanted: Blueprint['downloads'][number], { cluster, storage: planned }: Blueprint, site: Site): Step {
  const { to, url, name, checksum } = wanted
  const volid = volidOf(wanted)
  const content = contentOf(name)!
  const [id, what] = [`download ${volid}`, { key: 'download' as const, values: { volid } }]
  if (site.files.get(to)?.includes(volid)) return so('storage', id, what)
  const on = site.ha.storages.find(({ storage, status }) => storage === to && status === 'available')
  const comes = planned.find((one) => one.id === to)
  if (!on && !comes) return never('storage', id, what, { code: 'unreadable', values: { storage: to } })
  const takes = on?.content ?? comes?.content ?? [content]
  if (!takes.includes(content))
    return never('storage', id, what, { code: 'not-taken', values: { storage: to, content } })
  const node = on?.node ?? comes?.nodes?.[0] ?? cluster?.first ?? ''
  const sum = checksum === undefined ? undefined : { algorithm: algorithmOf(checksum)!, sum: checksum }
  return todo('storage', id, what, {
    worker: 'storage-download',
    payload: { node, storage: to, content, name, from: { url }, ...(sum ? { checksum: sum } : {}) },
    command: `storage download ${url} storage:${to} name:${name}${sum ? ` checksum:${sum.sum}` : ''}`,
    shell: [
      `pvesh create /nodes/${node}/storage/${to}/download-url --content ${content} --filename ${name} --url ${url}${sum ? ` --checksum-algorithm ${sum.algorithm} --checksum ${sum.sum}` : ''}`,
    ],
  })
}

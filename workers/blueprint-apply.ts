import { z } from 'zod'
import { fill } from '../src/core/language.ts'
import { leftOfParts } from '../src/core/parts.ts'
import { defineWorker, type JobRequest, type Worker } from '../src/core/worker.ts'
import type { Proxmox } from '../src/proxmox/port.ts'
import clusterCreate from './cluster-create.ts'
import clusterJoin from './cluster-join.ts'
import haConfig from './ha-config.ts'
import storageAdd from './storage-add.ts'
import storageDownload from './storage-download.ts'
import vmCreate from './vm-create.ts'

/** The kinds of job that a blueprint is made of. */
export const parts: Readonly<Record<string, Worker>> = {
  'cluster-create': clusterCreate as unknown as Worker,
  'cluster-join': clusterJoin as unknown as Worker,
  'ha-config': haConfig as unknown as Worker,
  'storage-add': storageAdd as unknown as Worker,
  'storage-download': storageDownload as unknown as Worker,
  'vm-create': vmCreate as unknown as Worker,
}

export const can: ReadonlySet<string> = new Set(Object.keys(parts))

const part = z.object({ worker: z.string(), title: z.string(), payload: z.unknown() })
type Part = z.output<typeof part>

/**
 * Does what a site lacks of a blueprint, part by part in order, each by its own worker; stops at the first that fails.
 * What somebody has made since it was planned is left as it is.
 */
export default defineWorker({
  payload: z.object({ name: z.string(), parts: z.array(part).min(1) }),
  needs: Object.values(parts).flatMap(({ needs }) => needs ?? []),
  parts: (payload) => payload.parts.map(requestOf),
  locks: (payload) => [...new Set(payload.parts.flatMap((one) => requestOf(one).worker.locks(one.payload)))].sort(),
  text: {
    en: {
      title: 'Blueprint {name}',
      steps: { parts: 'What is still to do' },
      done: 'Blueprint {name}: done, {count} steps',
      words: { running: 'running', done: 'done', so: 'already so' },
    },
    es: {
      title: 'Plano {name}',
      steps: { parts: 'Lo que falta' },
      done: 'Plano {name}: hecho, {count} pasos',
      words: { running: 'en curso', done: 'hecho', so: 'ya está' },
    },
  },
  titled: ({ name }) => ({ name }),
  async run({ payload, proxmox, job, step, part, shows, say }) {
    const warnings: string[] = []
    for (const [i, one] of payload.parts.entries()) {
      const name = fieldOf(one, i)
      await shows([{ name, value: say('running') }])
      const request = requestOf(one)
      // Asked before it begins and stored: what the part itself makes later is its own to find again.
      if (await step('parts', () => isThere(proxmox, one), i + 1)) {
        await shows([{ name, value: say('so') }])
        continue
      }
      const outcome = await part({ n: i + 1, of: payload.parts.length }, request)
      const done = fill(request.worker.text[job.language].done, outcome.values)
      await shows([{ name, value: `${say('done')}: ${done}` }])
      warnings.push(...(outcome.warnings ?? []))
    }
    return { values: { name: payload.name, count: payload.parts.length }, warnings }
  },
  leftovers: ({ payload, ...rest }) => leftOfParts(payload.parts.map(requestOf), rest),
})

/** A part's own field on the card. */
export const fieldOf = ({ title }: Pick<Part, 'title'>, i: number): string => `${i + 1}. ${title}`

function requestOf({ worker, payload }: Part): JobRequest {
  const found = parts[worker]
  if (!found) throw new Error(`a blueprint has no part of the kind ${worker}`)
  return { worker: found, payload }
}

/** Whether somebody has made meanwhile what a part would make, for the kinds that do not see that by themselves. */
async function isThere(proxmox: Proxmox, { worker, payload }: Part): Promise<boolean> {
  const { vmid, name, storage, content, node } = payload as Record<string, string | number>
  if (worker === 'vm-create') {
    const { guests } = await proxmox.resources()
    return guests.some((guest) => guest.vmid === vmid && guest.name === name)
  }
  if (worker === 'cluster-create') return (await proxmox.clusterStatus()).cluster?.name === name
  if (worker !== 'storage-download') return false
  const volumes = await proxmox.storageContents(String(node), String(storage), String(content))
  return volumes.some(({ volid }) => volid === `${storage}:${content}/${name}`)
}

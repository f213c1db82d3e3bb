import { causeOf } from './causes.ts'
import { Draft } from './draft.ts'
import type { Look } from './look.ts'
import type { Memory } from './memory.ts'
import type { Telling } from './telling.ts'

/** Replication jobs that began to fail, and that work again; Proxmox tries again by itself, which is no news. */
export function seeReplication(memory: Memory, look: Look, telling: Telling) {
  const jobs = new Draft(memory.replication)
  const { node, jobs: seen } = look.replication ?? { node: '', jobs: [] }
  for (const { id, guest, failCount, error } of seen) {
    const was = jobs.get(id)
    const about = { node, guest: `vm:${guest}`, values: { job: id } }
    if (failCount === 0) {
      jobs.set(id, { failed: 0 })
      if (was?.told) telling.tell('replication.done', id, about)
      continue
    }
    const isNews = was?.failed === 0
    jobs.set(id, { failed: failCount, ...(isNews || was?.told ? { told: true as const } : {}) })
    if (!isNews) continue
    const cause = error === undefined ? undefined : causeOf(error)
    telling.tell('replication.failed', id, {
      ...about,
      ...(error === undefined ? {} : { raw: error }),
      ...(cause === undefined ? {} : { cause }),
    })
  }
  return jobs
}

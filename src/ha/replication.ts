import { causeOf } from './causes.ts'
import { Draft } from './draft.ts'
import type { Look } from './look.ts'
import type { Memory } from './memory.ts'
import type { Telling } from './telling.ts'

/** Replication jobs that began to fail; Proxmox tries again by itself, which is no news. */
export function seeReplication(memory: Memory, look: Look, telling: Telling) {
  const jobs = new Draft(memory.replication)
  const { node, jobs: seen } = look.replication ?? { node: '', jobs: [] }
  for (const { id, guest, failCount, error } of seen) {
    const was = jobs.get(id)
    jobs.set(id, failCount)
    if (was === undefined || was > 0 || failCount === 0) continue
    const cause = error === undefined ? undefined : causeOf(error)
    telling.tell('replication.failed', id, {
      node,
      guest: `vm:${guest}`,
      ...(error === undefined ? {} : { raw: error }),
      ...(cause === undefined ? {} : { cause }),
      values: { job: id },
    })
  }
  return jobs
}

import type { Catalogue } from './catalogue.ts'
import { Refused } from './errors.ts'
import type { OrderedJob } from './events.ts'
import { poolsNow } from './pools.ts'
import type { ProxmoxPort } from './ports.ts'
import { type Access, holds } from './roles.ts'

interface Parts {
  catalogue: Catalogue
  access: Access
  proxmox: { get(cluster: string): ProxmoxPort }
}

/**
 * Why an order may not run after all: rights may have been taken away while it waited, the requester's or those of who
 * approved it, each looked at where that person decided; and for roles limited to pools, what it acts on may have moved.
 */
export async function stillAllowed(
  { catalogue, access, proxmox }: Parts,
  job: OrderedJob,
): Promise<Refused | undefined> {
  const own = catalogue.get(job.path)?.command.role ?? 'admin'
  for (const [i, identity] of [job.requester, ...job.approvedBy].entries()) {
    const needs = i === 0 ? (job.role ?? own) : own
    const place = { cluster: job.cluster, channel: job.approvedIn?.[identity] ?? job.target }
    let role = await access.roleOf(identity, place)
    if (!holds(role, needs) && job.within !== undefined) {
      const pools = await poolsNow(job.within, proxmox.get(job.cluster))
      role = await access.roleOf(identity, { ...place, pools })
    }
    if (holds(role, needs)) continue
    const who = access.whoMay(needs, place).join(', ')
    return new Refused('not-allowed', { command: job.path, needs, have: role ?? '-', who })
  }
  return undefined
}

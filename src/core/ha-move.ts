import { Refused } from './errors.ts'
import { findNode } from './find.ts'
import { findManaged, readHa, refuseWithoutQuorum, standingBy } from './ha.ts'
import type { ProxmoxPort } from './ports.ts'

interface Motion {
  blocking: readonly { sid: string; rule: string }[]
  barred: readonly { sid: string; rule: string }[]
}

/**
 * What a wish to move a guest under HA rests on. Proxmox takes the wish whatever stands in its way and drops it later
 * without a word; so everything that would is looked for before.
 * @throws Refused
 */
export async function readMove(
  proxmox: ProxmoxPort,
  args: { guest: string; node: string },
  cluster: string,
  signal: AbortSignal,
) {
  const site = await readHa(proxmox, signal)
  refuseWithoutQuorum(site, cluster)
  const { sid, name, vmid, resource } = findManaged(site, args.guest, cluster)
  const node = findNode(site.nodes, args.node, cluster).name
  const services = site.entries.filter(({ type }) => type === 'service')
  const entry = services.find((one) => one.sid === sid)
  const values = { name, guest: vmid, node }
  if (standingBy(site)) throw new Refused('ha-is-disarmed', values)
  if (!entry || entry.state === 'queued') throw new Refused('ha-still-queued', values)
  if (entry.crmState === 'error') throw new Refused('ha-error-first', values)
  if (resource.state === 'ignored') throw new Refused('ha-is-ignored', values)
  if (entry.node === node) throw new Refused('ha-already-there', values)
  if (site.manager?.nodes[node] === 'maintenance') throw new Refused('ha-in-maintenance', values)
  const busy = ['migrate', 'relocate', 'fence', 'recovery', 'freeze'].includes(entry.crmState ?? '')
  if (busy) throw new Refused('ha-is-busy', { ...values, state: entry.state ?? '' })
  const places = Object.fromEntries(
    services.map((one) => [one.sid ?? '', site.manager?.services[one.sid ?? '']?.target ?? one.node]),
  )
  const decided = ({ blocking: [blocks], barred: [bars] }: Motion) => {
    if (bars) throw new Refused('ha-not-allowed', { ...values, sid: bars.sid, rule: bars.rule })
    if (blocks) throw new Refused('ha-is-blocked', { ...values, sid: blocks.sid, rule: blocks.rule })
  }
  return { site, sid, name, vmid, resource, from: entry.node, node, places, decided }
}

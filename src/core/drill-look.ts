import type { SeenLook } from './drills.ts'
import type { ProxmoxPort } from './ports.ts'

type Kind = 'qemu' | 'lxc'

/** Guests of a drill, as they are looked for. */
export interface Watched {
  sid: string
  vmid: number
  kind: Kind
}

/** A look of one's own from any node but the victim, for when no watcher looks: two requests. */
export async function lookBeside(proxmox: ProxmoxPort, victim: string): Promise<SeenLook> {
  const o = { avoid: [victim], timeoutMs: 5000 }
  const [status, entries] = await Promise.all([proxmox.clusterStatus(o), proxmox.haStatus(o)])
  const quorum = entries.find(({ type }) => type === 'quorum')
  return {
    quorate: (status.cluster?.quorate ?? true) && (quorum?.quorate ?? true),
    online: status.members.filter((member) => member.online).map(({ name }) => name),
    services: Object.fromEntries(
      entries.flatMap(({ type, sid, node, state }) =>
        type === 'service' && sid !== undefined ? [[sid, { node, state: state ?? '' }]] : [],
      ),
    ),
  }
}

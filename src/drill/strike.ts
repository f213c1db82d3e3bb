import { Refused } from '../core/errors.ts'
import type { DrillContext } from './context.ts'

/** Takes the node away, once. */
export async function struck(context: DrillContext): Promise<void> {
  const { payload, proxmox, drills, change } = context
  const { node, kind } = payload
  const call =
    kind === 'power' || kind === 'network'
      ? `${kind} ${node} off`
      : `POST /nodes/${node}/status ${kind === 'reboot' ? kind : 'shutdown'}`
  await change('inject', {
    call,
    id: node,
    isSo: () => isLeaving(context),
    async act() {
      if (kind === 'power' || kind === 'network') {
        const cut = kind === 'power' ? drills.power(node, 'off') : drills.network(node, 'cut')
        return cut.catch((error) => {
          throw new Refused('device-failed', { node }, { raw: String(error) })
        })
      }
      return proxmox.hostPower(node, kind === 'reboot' ? 'reboot' : 'shutdown')
    },
    showsWithinMs: 30_000,
  })
}

/** Gone, or on its way: its agent says so before anything else shows it. */
export async function isLeaving({ payload, proxmox }: DrillContext): Promise<boolean> {
  const o = { avoid: [payload.node] }
  const [{ members }, manager] = await Promise.all([proxmox.clusterStatus(o), proxmox.managerStatus(o)])
  const member = members.find(({ name }) => name === payload.node)
  return !member?.online || /^(?:shutdown|restart|maintenance)$/.test(manager.lrms[payload.node]?.mode ?? '')
}

import { victimOf } from '../core/drill-order.ts'
import { Refused } from '../core/errors.ts'
import type { DrillContext } from './context.ts'
import { isLost } from './cut.ts'

/** What a strike left: when it was made, on Proxmox's clock, from and to; `isSure`: it is known to have been made. */
export interface Strike {
  from: number
  to: number
  isSure: boolean
  /** Another attempt made it. */
  isResumed: boolean
}

/** Seconds in which a device obeys or is given up, what is asked around it included. */
const obeysWithin = 12

/**
 * Takes the node away, once. An attempt that died in between is never repeated, whatever the node looks like: it may have
 * been away, and have come back.
 */
export async function struck(context: DrillContext, observer: string): Promise<Strike> {
  const { payload, proxmox, drills, change, step } = context
  const { node, kind, storage = '' } = payload
  const { restore } = drills.means(node)
  const isCut = kind === 'storage'
  const rescue = isCut ? `lab gives ${storage} back to ${node}` : `${restore} starts ${node}`
  const guard = { call: `dead-man switch: ${rescue}`, id: node, isSo: async () => false }
  await change('guard', { ...guard, act: async () => {} })
  const time = () => proxmox.nodeTime(observer, { avoid: [node] })
  let isFirst = false
  let isSent = false
  let madeAt: number | undefined
  const from = await step('inject', async () => {
    isFirst = true
    return time()
  })
  const byDevice = kind === 'power' || kind === 'network' || isCut
  const call = byDevice
    ? `${kind} ${victimOf(payload)} off`
    : `POST /nodes/${node}/status ${kind === 'reboot' ? kind : 'shutdown'}`
  const byHand = () => {
    if (isCut) return drills.storage(node, storage, 'cut')
    return kind === 'power' ? drills.power(node, 'off') : drills.network(node, 'cut')
  }
  const made = await change(
    'inject',
    {
      call,
      id: node,
      // The gates have just looked; a moment more would be missing from what is measured.
      isSo: async () => !isFirst || (isSent && (await (isCut ? isLost(context) : isLeaving(context)))),
      async act() {
        isSent = true
        if (!byDevice) return proxmox.hostPower(node, kind === 'reboot' ? 'reboot' : 'shutdown')
        await byHand().catch((error) => {
          throw new Refused('device-failed', { node }, { raw: String(error) })
        })
        madeAt = await time().catch(() => undefined)
      },
      showsWithinMs: 30_000,
    },
    2,
  )
  // Who did not see the device obey knows only by when it must have.
  const unseen = async () =>
    byDevice ? Math.min(from + obeysWithin, await time().catch(() => from + obeysWithin)) : from
  const to = await step('inject', async () => madeAt ?? (await unseen()), 3)
  return { from, to, isSure: made === 'made', isResumed: !isFirst }
}

/** Gone, or on its way: its agent says so before anything else shows it. */
export async function isLeaving({ payload, proxmox }: DrillContext): Promise<boolean> {
  const o = { avoid: [payload.node] }
  const [{ members }, manager] = await Promise.all([proxmox.clusterStatus(o), proxmox.managerStatus(o)])
  const member = members.find(({ name }) => name === payload.node)
  return !member?.online || /^(?:shutdown|restart|maintenance)$/.test(manager.lrms[payload.node]?.mode ?? '')
}

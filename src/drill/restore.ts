import type { Watched } from '../core/drill-look.ts'
import { Refused } from '../core/errors.ts'
import type { Steady } from '../ha/drill.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'
import { isLeaving } from './strike.ts'

/** People are asked, and asked again, to start a node that nothing else can start. */
const personWithinMs = 24 * 3600_000
const goneTimes = { everyMs: pollMs, withinMs: 20 * 60_000 }
const wakeEveryMs = 30_000
const askEveryMs = 10 * 60_000

/** Back to life: by the lab, a power device, a magic packet from another node, or a person who is asked and asked again. */
export async function broughtBack(context: DrillContext, seen: Seen, watch: Watch): Promise<number> {
  const { payload, drills, step, change, until, says, say } = context
  const { node, kind } = payload
  const online = async () => (await watch().catch(() => undefined))?.online.includes(node) ?? false
  if (seen.stop?.code === 'aborted' && (await online()) && !(await isLeaving(context))) {
    return step('restore', async () => (await watch()).now)
  }
  const { restore } = drills.means(node)
  if (kind !== 'reboot') {
    // Stored: after a crash a node that has come back meanwhile is not waited for to go.
    const isGone = await step(
      'restore',
      async () => (await until(async () => ((await online()) ? undefined : true), goneTimes)) ?? false,
      4,
    )
    if (!isGone) throw new Refused('not-gone', { node })
    if (kind === 'network')
      await change('restore', { ...giving(node, online), act: () => drills.network(node, 'up') }, 2)
    if (restore === 'lab' || restore === 'webhook') {
      // A device that does not obey is no reason to leave the node down: a person is asked then.
      await change('restore', { ...giving(node, online), act: () => drills.power(node, 'on').catch(() => {}) }, 3)
    }
  }
  return step('restore', async () => {
    const since = Date.now()
    let wokenAt = 0
    let asked = restore === 'person' ? 0 : 1
    const back = await until(
      async () => {
        const look = await watch().catch(() => undefined)
        if (look?.online.includes(node)) return look.now
        if (restore === 'wake' && Date.now() - wokenAt > wakeEveryMs) {
          wokenAt = Date.now()
          await context.proxmox.wakeHost(node, { avoid: [node] }).catch(() => {})
        }
        if (Date.now() - since >= asked * askEveryMs) {
          asked += 1
          await says(`person.${asked}`, { title: say('person', { node }), state: 'waiting', text: say('personText') })
        }
        return undefined
      },
      { everyMs: pollMs, withinMs: personWithinMs },
    )
    if (back === undefined) throw new Refused('never-back', { node })
    return back
  })
}

const giving = (node: string, isSo: () => Promise<boolean>) => ({
  call: `power ${node} on`,
  id: node,
  isSo,
  showsWithinMs: 1000,
})

/** What is not under HA and ran there is started, unless Proxmox has done so at boot. */
export async function startedAgain(context: DrillContext, steady: Steady, guests: readonly Watched[]): Promise<void> {
  const { payload, proxmox, effect, follow, step } = context
  const alone = guests.filter(({ sid }) => !steady.managed.includes(sid))
  for (const [i, { vmid, kind }] of alone.entries()) {
    const guest = { node: payload.node, kind, vmid }
    const isOff = await step('again', async () => (await proxmox.guestState(guest)).status === 'stopped', 2 * i + 1)
    if (!isOff) continue
    const type = kind === 'qemu' ? 'qmstart' : 'vzstart'
    const look = { node: payload.node, types: [type], id: String(vmid), act: () => proxmox.guestPower(guest, 'start') }
    await follow('again', await effect('again', look, 2 * i + 2)).catch((error) => {
      // It was started meanwhile, at boot or by a person: what counts is seen next.
      if (!(error instanceof Refused)) throw error
    })
  }
}

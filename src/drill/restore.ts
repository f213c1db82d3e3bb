import type { Watched } from '../core/drill-look.ts'
import { Refused } from '../core/errors.ts'
import type { Steady } from '../ha/drill.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'
import { givenBack } from './cut.ts'

/** Seconds on Proxmox's clock: how long a node may take to go, how often a person is asked, and when no more. */
const goneWithin = 20 * 60
/** Where it is not known whether it was told to. */
const unsureWithin = 60
const askEvery = 10 * 60
const bootWithin = 3 * 60
export const backWithin = 2 * 3600
/** On-call people hear of a node that stays away, whatever was announced. */
const onCallAfter = 30 * 60
const wakeEveryMs = 30_000
/** Should the clock of the cluster stand still with the cluster. */
const longestMs = backWithin * 1000

/** How the node is at the end: when it was seen to be back; that it never went; or that it is still away. */
export interface Back {
  at: number
  end: 'back' | 'never-gone' | 'away'
  /** Who said that it is seen to. */
  by?: string
}

/** Back to life: by the lab, a power device, a magic packet from another node, or a person who is asked and asked again. */
export async function broughtBack(context: DrillContext, seen: Seen, watch: Watch, loud: () => Promise<void>) {
  const { payload, drills, step, change } = context
  const { node, kind } = payload
  if (kind === 'storage') return givenBack(context, watch, loud, backWithin)
  const online = async () => (await watch().catch(() => undefined))?.online.includes(node) ?? false
  let isDeaf = false
  if (kind !== 'reboot') {
    // Stored: after a crash a node that has come back meanwhile is not waited for to go.
    if (!(await step('restore', () => isGone(context, seen, watch), 4))) {
      return step('restore', async (): Promise<Back> => ({ at: (await watch()).now, end: 'never-gone' }))
    }
    const { restore } = drills.means(node)
    const giving = { call: `power ${node} on`, id: node, isSo: online, showsWithinMs: 1000 }
    if (kind === 'network') {
      await change('restore', { ...giving, call: `network ${node} up`, act: () => drills.network(node, 'up') }, 2)
    }
    if (restore === 'lab' || restore === 'webhook') {
      // A device that does not obey is no reason to leave the node down: a person is asked then.
      const act = () =>
        drills.power(node, 'on').catch(() => {
          isDeaf = true
        })
      await change('restore', { ...giving, act }, 3)
    }
  }
  const since = await step('restore', async () => (await watch().catch(() => undefined))?.now ?? 0, 5)
  return step('restore', () => awaited(context, watch, { since, isDeaf, loud }))
}

/** Seen to go, or online again after it had gone. */
async function isGone({ payload, until }: DrillContext, seen: Seen, watch: Watch): Promise<boolean> {
  if (seen.stop?.code === 'not-gone') return false
  if (seen.lostAt !== undefined) return true
  const within = seen.isSure === false ? unsureWithin : goneWithin
  const first = (await watch().catch(() => undefined))?.now
  const gone = await until(
    async () => {
      const look = await watch().catch(() => undefined)
      if (!look) return undefined
      if (!look.online.includes(payload.node)) return true
      return first !== undefined && look.now - first > within ? false : undefined
    },
    { everyMs: pollMs, withinMs: goneWithin * 1000 },
  )
  return gone ?? false
}

interface Waiting {
  since: number
  /** A device was told to start it and did not obey. */
  isDeaf: boolean
  loud: () => Promise<void>
}

async function awaited(context: DrillContext, watch: Watch, { since, isDeaf, loud }: Waiting): Promise<Back> {
  const { payload, drills, job, until } = context
  const { node } = payload
  const { restore } = drills.means(node)
  const isPerson = isDeaf || restore === 'person'
  let last = since
  let wokenAt = Number.NEGATIVE_INFINITY
  let isLoud = false
  let rounds = 0
  const end = await until(
    async (): Promise<Back | undefined> => {
      const look = await watch().catch(() => undefined)
      last = look?.now ?? last
      if (look?.online.includes(node)) return { at: last, end: 'back' }
      const by = await drills.seenToBy(job.id)
      if (by !== undefined) return { at: last, end: 'away', by }
      const waited = last - since
      if (waited > backWithin) return { at: last, end: 'away' }
      if (restore === 'wake' && performance.now() - wokenAt > wakeEveryMs) {
        wokenAt = performance.now()
        await context.proxmox.wakeHost(node, { avoid: [node] }).catch(() => {})
      }
      const round = isPerson || waited > bootWithin ? Math.floor(waited / askEvery) + 1 : 0
      if (round > rounds) {
        await asked(context, round)
        rounds = round
      }
      if (!isLoud && waited > onCallAfter) {
        await loud()
        isLoud = true
      }
      return undefined
    },
    { everyMs: pollMs, withinMs: longestMs },
  )
  return end ?? { at: last, end: 'away' }
}

const hows = { lab: 'how-lab', webhook: 'how-webhook', wake: 'how-wake', person: 'how-person' } as const

/** Once in ten minutes; the same round edits its own line, also after a crash. */
async function asked({ payload, job, says, say, drills }: DrillContext, round: number): Promise<void> {
  await drills.asks(job.id)
  const { node } = payload
  const { restore } = drills.means(node)
  const how = say(hows[restore], { node })
  const title = say(round === 1 ? 'person' : 'personAgain', { node, minutes: (round - 1) * 10 })
  await says(`person.${round}`, { title, state: 'waiting', text: `${how} ${say('personText', { node })}` })
}

/** What is not under HA and ran there is started, unless Proxmox has done so at boot. */
export async function startedAgain(context: DrillContext, steady: Steady, guests: readonly Watched[]): Promise<void> {
  const { payload, proxmox, effect, follow, step } = context
  for (const [i, { vmid, kind }] of alone(steady, guests).entries()) {
    const guest = { node: payload.node, kind, vmid }
    const isOff = await step('again', async () => (await proxmox.guestState(guest)).status === 'stopped', 2 * i + 1)
    if (!isOff) continue
    const type = kind === 'qemu' ? 'qmstart' : 'vzstart'
    const look = { node: payload.node, types: [type], id: String(vmid), act: () => proxmox.guestPower(guest, 'start') }
    try {
      await follow('again', await effect('again', look, 2 * i + 2))
    } catch (error) {
      // It was started meanwhile, at boot or by a person: what counts is seen next.
      if (!(error instanceof Refused)) throw error
    }
  }
}

/** What HA does not bring back. */
export const alone = ({ managed }: Steady, guests: readonly Watched[]) =>
  guests.filter(({ sid }) => !managed.includes(sid))

/**
 * What the dead-man switch does, without a job's book and as often as it is asked: gives the node what was taken from it,
 * and starts what went down with it.
 */
export function rescue({ payload, proxmox, drills }: DrillContext, steady: Steady, guests: readonly Watched[]) {
  const { node, kind, storage } = payload
  const started = new Set<string>()
  return async (): Promise<void> => {
    const o = { avoid: [node], timeoutMs: 5000 }
    if (storage !== undefined) await drills.storage(node, storage, 'up')
    const { members } = await proxmox.clusterStatus(o)
    if (!members.some(({ name, online }) => name === node && online)) {
      const { restore } = drills.means(node)
      if (kind === 'network') await drills.network(node, 'up')
      if (restore === 'lab' || restore === 'webhook') await drills.power(node, 'on')
      if (restore === 'wake') await proxmox.wakeHost(node, o)
      return
    }
    for (const { sid, vmid, kind: type } of alone(steady, guests)) {
      const guest = { node, kind: type, vmid }
      if (started.has(sid) || (await proxmox.guestState(guest, o)).status !== 'stopped') continue
      started.add(sid)
      await proxmox.guestPower(guest, 'start')
    }
  }
}

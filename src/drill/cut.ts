import { victimOf } from '../core/drill-order.ts'
import type { DrillLook, Steady, StopCode } from '../ha/drill.ts'
import { holdSeconds } from '../ha/storage-cut.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'
import type { Back } from './restore.ts'
import type { Strike } from './strike.ts'
import type { After } from './verdict.ts'

/** What of a look ends the looking. */
type Judge = (look: DrillLook) => Promise<'seen' | { code: StopCode; about: string } | undefined>

/** Seconds on Proxmox's clock: until a cut shows, and when a person is asked to take back what did not obey. */
const showsWithin = 90
const askAfter = 3 * 60
/** How often it is given back again, and how long what others and users see may take to follow, ms. */
const againMs = 10_000
/** Who has not looked for so long has missed something, ms. */
const absentMs = 5000
const followsMs = 60_000

/**
 * Until the node itself says that the storage is gone. That it is there, long after, says that nothing was cut; unless
 * nobody looked for a while, in which the dead-man switch may have given it back.
 */
export function untilLost({ payload }: DrillContext, strike: Strike, seen: Seen): Judge {
  const about = victimOf(payload)
  let isSteady = strike.isSure && !strike.isResumed
  let lookedAt = performance.now()
  return async ({ reach }) => {
    if (performance.now() - lookedAt > absentMs) isSteady = false
    lookedAt = performance.now()
    if (!reach || reach.at < strike.from) return undefined
    if (!reach.active) {
      seen.lostAt = strike.isSure ? strike.to : reach.at
      seen.timeline.push({ at: reach.at, what: `${about} inactive` })
      return 'seen'
    }
    if (reach.at - strike.to < showsWithin) return undefined
    return { code: isSteady ? 'not-gone' : 'control-lost', about }
  }
}

/** Until it has been gone for so long that HA would have done something, if it did. */
export function untilHeld({ payload }: DrillContext, { lostAt = 0 }: Seen): Judge {
  return async ({ reach, now }) => {
    if (reach?.active) return { code: 'back-early', about: victimOf(payload) }
    return now - lostAt >= holdSeconds ? 'seen' : undefined
  }
}

/** Whether the node says that it does without the storage. */
export async function isLost({ payload: { node, storage = '' }, proxmox }: DrillContext): Promise<boolean> {
  return !(await proxmox.storageState(node, storage, { avoid: [node] })).active
}

/** Gives the storage back, and again until the node says that it has it, or somebody that it is seen to. */
export async function givenBack(context: DrillContext, watch: Watch, loud: () => Promise<void>, longest: number) {
  const { payload, drills, step, change } = context
  const { node, storage = '' } = payload
  const give = () => drills.storage(node, storage, 'up').catch(() => {})
  const giving = { call: `storage ${victimOf(payload)} up`, id: node, isSo: async () => false, showsWithinMs: 1000 }
  await change('restore', { ...giving, act: give }, 2)
  const since = await step('restore', async () => (await watch().catch(() => undefined))?.now ?? 0, 5)
  return step('restore', () => awaited(context, watch, { since, give, loud, longest }))
}

interface Waiting {
  since: number
  give: () => Promise<void>
  loud: () => Promise<void>
  /** Seconds. */
  longest: number
}

async function awaited(context: DrillContext, watch: Watch, { since, give, loud, longest }: Waiting): Promise<Back> {
  const { drills, job, until } = context
  let last = since
  let givenAt = performance.now()
  let isAsked = false
  const end = await until(
    async (): Promise<Back | undefined> => {
      const look = await watch().catch(() => undefined)
      last = look?.now ?? last
      if (look?.reach?.active && look.reach.at >= since) return { at: look.reach.at, end: 'back' }
      const by = await drills.seenToBy(job.id)
      if (by !== undefined) return { at: last, end: 'away', by }
      if (last - since > longest) return { at: last, end: 'away' }
      if (performance.now() - givenAt > againMs) {
        givenAt = performance.now()
        await give()
      }
      if (!isAsked && last - since > askAfter) {
        await asked(context)
        await loud()
        isAsked = true
      }
      return undefined
    },
    { everyMs: pollMs, withinMs: longest * 1000 },
  )
  return end ?? { at: last, end: 'away' }
}

async function asked({ payload: { node, storage = '' }, job, drills, says, say }: DrillContext): Promise<void> {
  await drills.asks(job.id)
  const [title, text] = [say('giveBack', { node, storage }), say('giveBackText', { node, storage })]
  await says('person.1', { title, state: 'waiting', text: `${text} ${say('personText', { node })}` })
}

/** Whether the others have heard that the storage is back, and what answered before answers again. */
export async function goesOn(context: DrillContext, { impact }: Steady, after: After, heard: readonly string[]) {
  const { payload, proxmox, drills, until } = context
  const { node, storage = '' } = payload
  const stalled = impact.fates.filter(({ outcome, sid }) => outcome === 'stalls' && heard.includes(sid))
  let missing: string[] = []
  const look = async () => {
    const [{ storages }, answers] = await Promise.all([
      proxmox.resources({ avoid: [node] }),
      drills.answers(stalled.map(({ sid }) => sid)),
    ])
    const row = storages.find((one) => one.storage === storage && one.node === node)
    const silent = Object.keys(answers).filter((sid) => !answers[sid])
    missing = [...(row?.status === 'available' ? [] : [victimOf(payload)]), ...silent]
    return missing.length === 0 ? true : undefined
  }
  await until(() => look().catch(() => undefined), { everyMs: 4 * pollMs, withinMs: followsMs })
  return { ...after, missing: [...new Set([...after.missing, ...missing])] }
}

/** What nobody can take back, and what is not as it was. */
export function leftOfCut(
  { impact }: Steady,
  seen: Seen,
  { back, after, say }: { back: Back; after: After; say: DrillContext['say'] },
): string[] {
  const { node, storage = '', fates } = impact
  const still = fates.filter(({ outcome }) => outcome === 'stalls').map(({ name, sid }) => `${name} (${sid})`)
  const wasLost = seen.stop !== undefined && seen.stop.code !== 'not-gone' && !seen.isUntouched
  const seconds = Math.round(back.at - (seen.lostAt ?? seen.timeline[0]?.at ?? back.at))
  const others = after.missing.filter((one) => one !== victimOf(impact))
  return [
    ...(wasLost ? [say('waited', { guests: still.join(', '), storage, seconds })] : []),
    ...(back.end === 'away' || others.length < after.missing.length ? [say('stillCut', { node, storage })] : []),
    ...(back.by === undefined ? [] : [say('seenTo', { by: back.by, node })]),
    ...(others.length > 0 ? [say('unsettled', { what: others.join(', ') })] : []),
  ]
}

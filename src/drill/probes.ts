import type { Watched } from '../core/drill-look.ts'
import type { DrillContext, Seen } from './context.ts'
import type { Sight } from './sight.ts'

/**
 * What users see: each guest's probe is asked once before, and all through the drill where it answered. One that did not
 * answer even before says nothing, and is said to. A crash takes with it what was counted: then nothing is.
 */
export async function probed({ step, drills }: DrillContext, guests: readonly Watched[], sight: Sight) {
  let isFirst = false
  const answers = await step(
    'guard',
    async () => {
      isFirst = true
      return drills.answers(guests.map(({ sid }) => sid))
    },
    3,
  )
  const heard = Object.keys(answers).filter((sid) => answers[sid])
  const silent = Object.keys(answers).filter((sid) => !answers[sid])
  // The clock that silence is counted by is read first.
  await sight.look().catch(() => {})
  const probing = isFirst ? drills.probing(heard, () => sight.clock.now()) : undefined
  let counted: Record<string, number> | undefined
  const stop = () => {
    counted ??= probing?.stop() ?? {}
    return counted
  }
  return {
    stop,
    /** Those that answered before. */
    sids: heard,
    /** What was seen, with what users saw. */
    heard(seen: Seen): Seen {
      const guests = { ...seen.guests }
      for (const [sid, seconds] of Object.entries(stop())) {
        guests[sid] = { ...guests[sid], probeSeconds: Math.round(seconds) }
      }
      for (const sid of silent) guests[sid] = { ...guests[sid], probeSilent: true }
      return { ...seen, guests }
    },
  }
}

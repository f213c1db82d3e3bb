import { changes, type DrillLook, isSeen, measured, type Steady, stopOf } from '../ha/drill.ts'
import { type DrillContext, pollMs, type Seen, type Watch } from './context.ts'

/** Without a sight of the cluster for so long the drill is ended: it is no longer under control. */
const blindMs = 60_000
const seenWithinMs = 20 * 60_000

/** Looks until all has been seen or something speaks for stopping. */
export async function watched(context: DrillContext, steady: Steady, watch: Watch): Promise<Seen> {
  const { payload, drills, job, until, shows, words, say } = context
  const seen: Seen = { guests: {}, timeline: [{ at: steady.at, what: `${payload.node} ${payload.kind}` }] }
  let last: DrillLook | undefined
  let blindSince: number | undefined
  let doubts = 0
  let isLabelled = false
  const silent: Record<string, number> = {}
  const end = await until(
    async () => {
      const by = await drills.abortedBy(job.id)
      if (by !== undefined) return { code: 'aborted' as const, about: by }
      const look = await watch().catch(() => undefined)
      if (!look) {
        blindSince ??= Date.now()
        return Date.now() - blindSince > blindMs ? { code: 'control-lost' as const, about: '' } : undefined
      }
      blindSince = undefined
      seen.timeline.push(...changes(last, look))
      if (!isLabelled && seen.lostAt !== undefined) {
        isLabelled = await drills.label(job.cluster, payload.node, job.requester, say('labelled', { id: job.id }))
      }
      const gap = last ? look.now - last.now : 1
      if (seen.lostAt === undefined && !look.online.includes(payload.node)) seen.lostAt = look.now
      const cutAt = payload.kind === 'power' || payload.kind === 'network' ? steady.at : (seen.lostAt ?? look.now)
      for (const fate of steady.impact.fates) {
        seen.guests[fate.sid] = { ...seen.guests[fate.sid], ...measured(fate, steady, look, cutAt, gap) }
        if ((await drills.probe(fate.sid).catch(() => undefined)) === false)
          silent[fate.sid] = (silent[fate.sid] ?? 0) + gap
      }
      last = look
      const stop = stopOf(steady, look)
      // One look may be wrong: bad news is believed when it is said twice.
      doubts = stop ? doubts + 1 : 0
      if (stop && doubts > 1) return stop
      await shows(
        steady.impact.fates
          .filter(({ sid }) => look.services[sid])
          .map(({ sid, name }) => ({
            name: `${name} (${sid})`,
            value: `${look.services[sid]?.state} @ ${look.services[sid]?.node}`,
          })),
      )
      return isSeen(steady, look, seen.lostAt) ? ('seen' as const) : undefined
    },
    { everyMs: pollMs, withinMs: seenWithinMs },
  )
  for (const [sid, seconds] of Object.entries(silent)) seen.guests[sid] = { ...seen.guests[sid], probeSeconds: seconds }
  if (end === undefined) seen.stop = { code: 'timeout', about: '' }
  else if (end !== 'seen') seen.stop = end
  return { ...seen, ...(seen.stop ? { stop: { ...seen.stop, about: seen.stop.about || words.say.unknown } } : {}) }
}

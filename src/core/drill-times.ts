import { victimOf } from './drill-order.ts'
import type { Against, DrillSchedule, TickEnd } from './drill-schedule.ts'
import type { Reader } from './incident-card.ts'
import { fill } from './language.ts'
import type { Field, Message } from './message.ts'
import { formatDuration, formatTime } from './time.ts'

/** A time of a schedule, in the zone that it was scheduled in. */
export const timeOf = ({ tz }: Pick<DrillSchedule, 'tz'>, at: number, { language }: Pick<Reader, 'language'>): string =>
  formatTime(at, { language, tz })

function kindOf({ order }: DrillSchedule, { words }: Reader): string {
  const { kinds } = words.ha.impact
  return kinds[order.kind as keyof typeof kinds]
}

/** Why a drill does not begin, in one sentence. */
export const whyOf = (against: readonly Against[], { words }: Pick<Reader, 'words'>): string =>
  against.map(({ code, about }) => fill(words.ha.drill.times.why[code], { about }).trim()).join('; ')

/** The fields that say what was agreed to, and by whom. */
export function agreedFields(schedule: DrillSchedule, reader: Reader): Field[] {
  const { words, nameOf } = reader
  const { times } = words.ha.drill
  const { outcomes } = words.ha.impact
  const { node } = schedule.order
  const touched = schedule.approved.fates.map(
    ({ name, sid, outcome, to }) =>
      `${name} (${sid}): ${fill(outcomes[outcome as keyof typeof outcomes], { node, to: to ?? '' })}`,
  )
  return [
    { name: words.ha.drill.labels.foretold, value: touched.join('\n') || words.ha.drill.labels.nobody },
    { name: times.scheduledBy, value: nameOf(schedule.requester) },
    ...(schedule.approvedBy.length === 0
      ? []
      : [{ name: times.approvedBy, value: schedule.approvedBy.map(nameOf).join(', ') }]),
    { name: times.within, value: formatDuration(schedule.withinMs / 1000) },
  ]
}

/** Announces one time, with a button that leaves it out. */
export function noticeCard(schedule: DrillSchedule, at: number, reader: Reader): Message {
  const { times } = reader.words.ha.drill
  const values = { time: timeOf(schedule, at, reader), node: victimOf(schedule.order), kind: kindOf(schedule, reader) }
  return {
    title: fill(times.announced, values),
    state: 'waiting',
    text: fill(times.announcedText, { id: schedule.id }),
    fields: agreedFields(schedule, reader),
    actions: [{ id: 'reject', label: times.veto, style: 'danger' }],
  }
}

/** The same while something is in its way. */
export function waitingCard(schedule: DrillSchedule, at: number, against: readonly Against[], reader: Reader): Message {
  const { times } = reader.words.ha.drill
  const until = timeOf(schedule, at + schedule.withinMs, reader)
  return { ...noticeCard(schedule, at, reader), text: fill(times.waits, { why: whyOf(against, reader), until }) }
}

/** What became of one time. */
export function endCard(
  schedule: DrillSchedule,
  { at, end, next }: { at: number; end: TickEnd; next: number | undefined },
  reader: Reader,
): Message {
  const { times } = reader.words.ha.drill
  const values = {
    node: victimOf(schedule.order),
    time: timeOf(schedule, at, reader),
    next: next === undefined ? times.never : timeOf(schedule, next, reader),
  }
  if (end.how === 'ran') return { title: fill(times.ran, { ...values, job: end.job }), state: 'info', job: end.job }
  if (end.how === 'vetoed') {
    const title = fill(times.vetoed, { ...values, who: reader.nameOf(end.by) })
    return { title, state: 'warning', text: fill(times.vetoedText, values) }
  }
  const text = fill(times.skippedText, { ...values, why: whyOf(end.against, reader) })
  return { title: fill(times.skipped, values), state: 'warning', text }
}

/** The same in a few words, for a list. */
export function endText(end: TickEnd, reader: Pick<Reader, 'words' | 'nameOf'>): string {
  const { hows } = reader.words.ha.drill.times
  if (end.how === 'ran') return fill(hows.ran, { job: end.job })
  if (end.how === 'vetoed') return fill(hows.vetoed, { who: reader.nameOf(end.by) })
  return fill(hows.skipped, { why: whyOf(end.against, reader) })
}

/** It has come to its end by itself. */
export function overCard(schedule: DrillSchedule, { words }: Pick<Reader, 'words'>): Message {
  const { times } = words.ha.drill
  const values = { id: schedule.id, node: victimOf(schedule.order), line: schedule.line }
  return { title: fill(times.ended, values), state: 'warning', text: fill(times.endedText, values) }
}

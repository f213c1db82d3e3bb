import { fill, type Language } from './language.ts'
import type { Message } from './message.ts'
import type { Words } from './ports.ts'
import { formatTime } from './time.ts'

interface Reader {
  words: Words
  language: Language
  tz: string
}

/** As `src/ha/proven.ts` works it out. */
interface Group {
  name?: string
  guests: readonly { sid: string; name: string; node: string; proof?: { at: number } }[]
  proof?: { at: number; kind: string; drill: string }
  overdue: boolean
}

/** `grupoHA`, its machines, when it was last proven and how. */
export const groupRow = ({ name, guests, proof }: Group, { words, language, tz }: Reader): string[] => {
  const { overdue } = words.ha.drill
  const { kinds } = words.ha.impact
  const never = guests.filter((one) => one.proof === undefined).map((one) => one.name)
  return [
    name ?? overdue.loose,
    guests.map((one) => `${one.name} (${one.sid})`).join(', '),
    proof === undefined
      ? fill(overdue.never, { machines: never.join(', ') })
      : `${formatTime(proof.at * 1000, { language, tz })}, ${kinds[proof.kind as keyof typeof kinds]} (${proof.drill})`,
  ]
}

/** The groups that nobody has proven lately, as a table of so many rows at most. */
export function overdueCard(groups: readonly Group[], days: number, reader: Reader): Message {
  const { labels, overdue } = reader.words.ha.drill
  const late = groups.filter((group) => group.overdue)
  if (late.length === 0) return { title: fill(overdue.none, { days }), state: 'ok' }
  const { node } = late[0]!.guests[0]!
  return {
    title: fill(late.length === 1 ? overdue.one : overdue.many, { count: late.length, days }),
    state: 'warning',
    text: fill(overdue.next, { node }),
    table: {
      columns: [overdue.group, labels.machine, overdue.proven],
      rows: late.slice(0, 20).map((group) => groupRow(group, reader)),
    },
  }
}

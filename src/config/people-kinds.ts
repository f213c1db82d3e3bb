import { languages } from '../core/language.ts'
import { near } from '../core/near.ts'
import { leaf, oneOf, wrong } from './kinds.ts'

const one = /^(?:slack:[UW][A-Z0-9]+|discord:\d{1,20}|web:[\p{L}\p{N}._@-]{1,64})$/u
const many = /^(?:slack:group:S[A-Z0-9]+|discord:role:\d{1,20}|(?:slack|discord|web):\*)$/
const place = /^(?:slack:[CDG][A-Z0-9]+|discord:\d{1,20}|web:[\p{L}\p{N}._-]{1,64})$/u
const personName = /^[\p{L}\p{N}](?:[\p{L}\p{N} ._-]{0,62}[\p{L}\p{N}])?$/u

const whereIds =
  'In Slack: profile → Copy member ID. In Discord: Developer Mode, then Copy User ID. Names are never taken for ids.'

/** One account: `slack:U1`, `discord:42`, `web:ana`. */
export const identity = leaf('an identity: slack:U…, discord:NUMBER or web:NAME', whereIds, (text) => {
  if (many.test(text)) wrong('is a whole group', 'Name the account of one person here; groups belong in roles[].who.')
  return one.test(text) ? text : undefined
})

/** Somebody in `roles`: an account, a group, everyone of a platform, or a name from `people`. */
export const somebody = leaf(
  'a name from people or an identity: slack:U…, slack:group:S…, slack:*, discord:NUMBER, discord:role:NUMBER, web:NAME',
  whereIds,
  (text) => (one.test(text) || many.test(text) || personName.test(text) ? text : undefined),
)

/** Where messages go. */
export const target = leaf(
  'a channel: slack:C…, discord:NUMBER or web:NAME',
  'In Slack: channel details, at the bottom. In Discord: Developer Mode, then Copy Channel ID.',
  (text) => (place.test(text) ? text : undefined),
)

export const name = leaf('a name without ":" or "*"', 'Use letters, digits, spaces, dots or hyphens.', (text) =>
  personName.test(text) ? text : undefined,
)

export const language = oneOf(...languages)

export const timeZone = leaf('a time zone', 'Write its IANA name, for example America/Guayaquil or UTC.', (text) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }) && text
  } catch {
    const meant = near(text, Intl.supportedValuesOf('timeZone'), 1)[0]
    return wrong('is not a time zone that Intl knows', meant ? `Did you mean ${meant}?` : undefined)
  }
})

const clock = '([01]\\d|2[0-3]):([0-5]\\d)'
const minuteOfDay = (hours: string | undefined, minutes: string | undefined) => Number(hours) * 60 + Number(minutes)

/** `22:00-07:00` → minutes of the day. */
export const quietHours = leaf('two times of the day', 'Write FROM-TO in 24 hours: "22:00-07:00".', (text) => {
  const found = new RegExp(`^${clock}-${clock}$`).exec(text)
  if (!found) return undefined
  const hours = { fromMinute: minuteOfDay(found[1], found[2]), toMinute: minuteOfDay(found[3], found[4]) }
  if (hours.fromMinute === hours.toMinute)
    wrong('begins and ends at the same time', 'Leave quiet out for no quiet hours.')
  return hours
})

const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** `mon 09:00` → ISO weekday and minute of the day. */
export const handoff = leaf('a weekday and a time', 'Write it as "mon 09:00".', (text) => {
  const [, day = '', hours, minutes] = new RegExp(`^([a-z]{3}) ${clock}$`).exec(text.toLowerCase()) ?? []
  const weekday = weekdays.indexOf(day) + 1
  return weekday > 0 ? { weekday, minute: minuteOfDay(hours, minutes) } : undefined
})

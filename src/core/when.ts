/** Words that add nothing: `every month on the first tuesday at 10:00`. */
const fillers = new Set(
  'every each on the at of in month monthly weekly cada de del a las los la el en mes mensual semanal todos todas'.split(
    ' ',
  ),
)

const weekdays: Readonly<Record<string, number>> = {
  ...inOrder('sunday monday tuesday wednesday thursday friday saturday'),
  ...inOrder('sundays mondays tuesdays wednesdays thursdays fridays saturdays'),
  ...inOrder('sun mon tue wed thu fri sat'),
  ...inOrder('domingo lunes martes miercoles jueves viernes sabado'),
  ...inOrder('domingos lunes martes miercoles jueves viernes sabados'),
}

/** Which of a month's; `L`: the last. */
const ordinals: Readonly<Record<string, string>> = {
  ...{ first: '1', second: '2', third: '3', fourth: '4', last: 'L' },
  ...{ '1st': '1', '2nd': '2', '3rd': '3', '4th': '4' },
  ...{ primer: '1', primero: '1', segundo: '2', tercer: '3', tercero: '3', cuarto: '4', ultimo: 'L' },
}

const daily = new Set(['day', 'days', 'daily', 'dia', 'dias', 'diario', 'diariamente'])
const quarterly = new Set(['quarter', 'quarterly', 'trimestre', 'trimestral'])

function inOrder(names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name, i) => [name, i]))
}

/**
 * The cron pattern of a time that comes again, in plain words of either language (`every month first tuesday 10:00`,
 * `cada lunes 10:00`) or as cron itself has it, five fields. Undefined for what is neither: nothing is guessed.
 */
export function cronOf(text: string): string | undefined {
  const plain = text.normalize('NFD').replaceAll(/\p{M}/gu, '').toLowerCase().trim()
  const fields = plain.split(/\s+/)
  if (fields.length === 5 && fields.every((field) => /^[\d*,/#l-]+$|^(?:[a-z]{3}[,-]?)+(?:#\d)?$/.test(field))) {
    return fields.join(' ').toUpperCase()
  }
  const times = [...plain.matchAll(/(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])/g)]
  const [time] = times
  if (!time || times.length > 1) return undefined
  const rest = plain.replace(time[0], ' ').split(/[\s,]+/)
  const words = rest.filter((word) => word !== '' && word !== 'y' && word !== 'and' && !fillers.has(word))
  const dates = datesOf(words)
  return dates && `${Number(time[2])} ${Number(time[1])} ${dates}`
}

/** Day of the month, month and weekday. */
function datesOf(words: readonly string[]): string | undefined {
  const isQuarterly = words.some((word) => quarterly.has(word))
  const [first, ...more] = words.filter((word) => !quarterly.has(word))
  const months = isQuarterly ? '1,4,7,10' : '*'
  if (first === undefined) return undefined
  if (daily.has(first)) return more.length === 0 && !isQuarterly ? '* * *' : undefined
  const ordinal = Object.hasOwn(ordinals, first) ? ordinals[first] : undefined
  const days = (ordinal === undefined ? [first, ...more] : more).map((word) =>
    Object.hasOwn(weekdays, word) ? weekdays[word] : undefined,
  )
  if (days.length === 0 || days.includes(undefined)) return undefined
  if (ordinal === undefined) return isQuarterly ? undefined : `* * ${days.join(',')}`
  if (days.length > 1) return undefined
  return `* ${months} ${days[0]}${ordinal === 'L' ? 'L' : `#${ordinal}`}`
}

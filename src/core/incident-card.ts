import type { Act, Affected, Entry, Incident, IncidentEvent, Told } from './incidents.ts'
import { fill, type Language, type Values } from './language.ts'
import type { Action, Field, Message, State } from './message.ts'
import type { Words } from './ports.ts'
import type { Identity } from './roles.ts'
import { formatDuration, formatTime } from './time.ts'

/** Whom a card is for: a channel has a language and a zone, not a person. */
export interface Reader {
  words: Words
  language: Language
  tz: string
  /** What people are called. */
  nameOf(identity: Identity): string
}

const mostMachines = 12

/** One card for one incident; its buttons are what can still be done. */
export function incidentCard(incident: Incident, reader: Reader): Message {
  const { say } = reader.words
  const message: Message = {
    title: titleOf(incident, reader),
    state: stateOf(incident),
    incident: incident.id,
    ...eventOf(incident.timeline[0]?.event ?? { ...incident, at: incident.openedAt, key: '' }),
  }
  if (incident.quiet) {
    delete message.incident
    return message
  }
  const text = textOf(incident, reader)
  if (text !== '') message.text = text
  message.fields = fieldsOf(incident, reader).map(({ name, value }) => ({ name, value: value || say.unknown }))
  const actions = actionsOf(incident, reader)
  if (actions.length > 0) message.actions = actions
  return message
}

/** `pve1 is gone: 3 machines affected`. */
export function titleOf(incident: Incident, reader: Reader): string {
  const { more } = reader.words.incidents
  const events = incident.timeline.flatMap(({ event }) => (event ? [event] : []))
  const first = events[0]
  const line = first ? lineOf(first, incident, reader) : incident.subject
  const count = incident.affected.length
  if (incident.quiet) {
    const total = events.length + (incident.left ?? 0)
    return total > 1 ? fill(more.others, { line, count: total - 1 }) : line
  }
  // Its own words name the guest already.
  if (count === 0 || (count === 1 && first?.guest !== undefined)) return line
  return fill(count === 1 ? more.affectedOne : more.affected, { line, count })
}

function stateOf({ state, severity, quiet, staleSince }: Incident): State {
  if (quiet) return 'info'
  if (state === 'resolved') return 'ok'
  if (staleSince !== undefined) return 'stale'
  if (state === 'acknowledged') return 'waiting'
  return severity === 'critical' ? 'failed' : 'warning'
}

function textOf({ staleSince, state, troubles }: Incident, reader: Reader): string {
  if (state === 'resolved') return ''
  const { stale, byHand } = reader.words.incidents
  if (staleSince !== undefined) return fill(stale, { since: when(staleSince, reader) })
  return troubles.some((trouble) => trouble.byHand && trouble.over === undefined) ? byHand : ''
}

const when = (at: string, reader: Reader): string => formatTime(Date.parse(at), reader)

/** `acknowledged by ana until …`, as a card or a table says it. */
export function standing(incident: Incident, reader: Reader): string {
  const { incidents } = reader.words
  const { state, ack, resolved } = incident
  if (state === 'resolved' && resolved?.by === undefined) {
    return fill(incidents.isRecovered, { at: when(resolved?.at ?? incident.lastAt, reader) })
  }
  if (state === 'resolved') {
    return fill(incidents.isResolved, { who: reader.nameOf(resolved!.by!), at: when(resolved!.at, reader) })
  }
  if (state === 'open' || !ack) return incidents.isOpen
  return fill(incidents.isAcknowledged, { who: reader.nameOf(ack.by), until: when(ack.until, reader) })
}

function fieldsOf(incident: Incident, reader: Reader): Field[] {
  const { fields, severities } = reader.words.incidents
  const machines = machinesOf(incident, reader)
  const alone = incident.affected.filter((one) => one.alone && one.state === 'hit')
  return [
    { name: fields.state, value: standing(incident, reader) },
    { name: fields.severity, value: severities[incident.severity] },
    { name: fields.cluster, value: incident.cluster },
    { name: fields.since, value: when(incident.openedAt, reader) },
    ...announcedOf(incident, reader),
    ...(machines === '' ? [] : [{ name: fields.machines, value: machines }]),
    ...(alone.length === 0 ? [] : [{ name: fields.alone, value: aloneText(alone, reader) }]),
    ...proofs(incident, reader),
    ...times(incident, reader),
  ]
}

/** The work that it comes from, so that nobody runs. */
function announcedOf({ announced }: Incident, reader: Reader): Field[] {
  if (!announced) return []
  const { fields, announced: plain, announcedWhy } = reader.words.incidents
  const values = { ...announced, until: when(announced.until, reader) }
  return [{ name: fields.announced, value: fill(announced.why === undefined ? plain : announcedWhy, values) }]
}

const mostProofs = 6

/** Whom it reached, and whom not: the newest word on each. */
function proofs({ timeline }: Incident, reader: Reader): Field[] {
  const newest = new Map<string, string>()
  for (const { told } of timeline) {
    if (!told) continue
    // Whom the second platform has reached is told, whatever became of the first.
    const who = `${told.how} ${told.to.replace(/ \(.*\)$/, '')}`
    newest.delete(who)
    newest.set(who, toldText(told, reader))
  }
  if (newest.size === 0) return []
  return [{ name: reader.words.incidents.fields.told, value: [...newest.values()].slice(-mostProofs).join('\n') }]
}

function machinesOf({ affected }: Incident, reader: Reader): string {
  const { incidents } = reader.words
  const listed = affected.filter(({ alone, state }) => !alone || state === 'fine')
  const shown = listed.slice(0, mostMachines).map((one) => machineLine(one, reader))
  if (listed.length > shown.length) shown.push(fill(incidents.moreMachines, { count: listed.length - shown.length }))
  return shown.join('\n')
}

function machineLine(one: Affected, reader: Reader): string {
  const { incidents, say } = reader.words
  const guest = machine(one)
  if (one.state === 'hit') return fill(incidents.machineHit, { guest })
  const node = one.node ?? say.unknown
  if (one.downSeconds === undefined) return fill(incidents.machineFine, { guest, node })
  return fill(incidents.machineDown, { guest, node, down: formatDuration(one.downSeconds) })
}

function aloneText(alone: readonly Affected[], { words }: Reader): string {
  const guests = alone.slice(0, mostMachines).map(machine).join(', ')
  const rest = alone.length - mostMachines
  const more = rest > 0 ? ` ${fill(words.incidents.moreMachines, { count: rest })}` : ''
  return fill(words.incidents.aloneText, { guests: guests + more })
}

const machine = ({ guest, name }: Pick<Affected, 'guest' | 'name'>) =>
  name === undefined ? guest : `${guest} (${name})`

/** Seconds from when we learnt of it until it was acknowledged, and until it was over. */
export function timesOf({ learntAt, firstAckAt, resolved }: Incident): { mtta?: number; mttr?: number } {
  const since = (at: string) => Math.max(0, Math.round((Date.parse(at) - Date.parse(learntAt)) / 1000))
  return {
    ...(firstAckAt === undefined ? {} : { mtta: since(firstAckAt) }),
    ...(resolved === undefined ? {} : { mttr: since(resolved.at) }),
  }
}

function times(incident: Incident, { words }: Reader): Field[] {
  const { fields } = words.incidents
  const { mtta, mttr } = timesOf(incident)
  return [
    ...(mtta === undefined ? [] : [{ name: fields.mtta, value: formatDuration(mtta) }]),
    ...(mttr === undefined ? [] : [{ name: fields.mttr, value: formatDuration(mttr) }]),
  ]
}

function actionsOf({ state }: Incident, { words }: Reader): Action[] {
  const { actions } = words
  if (state === 'resolved') return []
  return [
    ...(state === 'open' ? [{ id: 'ack' as const, label: actions.ack, style: 'primary' as const }] : []),
    { id: 'note', label: actions.note },
    { id: 'resolve', label: actions.resolve },
  ]
}

/** Known to us alone: a message says it in words, since whoever reads `event` has a list of kinds that does not hold it. */
const wordsOnly: ReadonlySet<string> = new Set([
  'guest.running',
  'guest.unmanaged',
  'lrm.back',
  'task.done',
  'backup.done',
  'replication.done',
])

/** The contract's `event` of a message. */
function eventOf(
  event: Pick<IncidentEvent, 'kind' | 'cluster' | 'severity' | 'at'> & Partial<IncidentEvent>,
): Pick<Message, 'event'> {
  const { kind, cluster, severity, node, guest, from, to, at } = event
  if (wordsOnly.has(kind)) return {}
  const fields = Object.entries({ kind, cluster, severity, node, guest, from, to, at })
  return {
    event: Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as NonNullable<Message['event']>,
  }
}

/** The lines of its thread that something of `entries` stands on, each whole: `line` names it within the incident. */
export function threadLines(
  incident: Incident,
  entries: readonly Entry[],
  reader: Reader,
): { line: number; message: Message; order: number }[] {
  const numbers = [...new Set(entries.map(({ line }) => line))]
  return numbers.flatMap((line) => {
    const all = incident.timeline.filter((entry) => entry.line === line)
    const newest = all.at(-1)
    // The card of a burst is its own first line.
    if (!newest || (incident.quiet && newest.seq === 1)) return []
    return [{ line, message: lineMessage(incident, all, reader), order: newest.seq }]
  })
}

function lineMessage(incident: Incident, entries: readonly Entry[], reader: Reader): Message {
  const [first] = entries
  const mark = incident.quiet ? {} : { incident: incident.id }
  if (!first?.event) return { title: entryText(first!, incident, reader), state: 'info', ...mark }
  const { event } = first
  const count = entries.at(-1)?.crowd ?? 1
  const message: Message = {
    title: entryText(first, incident, reader),
    ...mark,
    state: lineState(event),
    ...eventOf(event),
  }
  if (count > 1) {
    message.title = manyText(event, count, incident, reader)
    if (message.event) message.event.guests = entries.flatMap((entry) => entry.event?.guest ?? [])
    message.log = entries.slice(0, mostLogged).map((entry) => entryText(entry, incident, reader))
    if (count > mostLogged) message.log.push(fill(reader.words.incidents.moreMachines, { count: count - mostLogged }))
    return message
  }
  const cause = (reader.words.incidents.causes as Record<string, string>)[event.cause ?? '']
  if (cause !== undefined) message.text = cause
  if (event.raw !== undefined) message.log = [event.raw]
  return message
}

const mostLogged = 50

/** Kinds that are good news. */
const isGood = ({ kind }: IncidentEvent) => /\.(back|running|seen|armed|error-cleared|off)$/.test(kind)

function lineState(event: IncidentEvent): State {
  if (event.severity === 'info') return isGood(event) ? 'ok' : 'info'
  return event.severity === 'critical' ? 'failed' : 'warning'
}

/** What one entry says, in a line without its time. */
export function entryText({ event, act, told }: Entry, incident: Incident, reader: Reader): string {
  if (event) return lineOf(event, incident, reader)
  if (act) return actText(act, reader)
  return told ? toldText(told, reader) : ''
}

/** What an event says in words. */
function lineOf(event: IncidentEvent, incident: Incident, reader: Reader): string {
  const { lines, more } = reader.words.incidents
  const values = placesOf(event, incident, reader)
  const line = fill(templateOf(event, incident, lines, more), values)
  const { downSeconds, uncertaintySeconds } = event
  if (downSeconds === undefined) return line
  const template = uncertaintySeconds === undefined ? more.down : more.downAbout
  return fill(template, { line, down: formatDuration(downSeconds), uncertainty: uncertaintySeconds })
}

function templateOf(
  { kind, planned, values, to }: IncidentEvent,
  { node }: Incident,
  lines: Record<string, string>,
  more: Words['incidents']['more'],
): string {
  if (kind === 'node.lost' && planned) return more.plannedLost
  if (kind === 'quorum.margin' && Number(values?.margin) > 0) return more.marginBack
  if (kind === 'guest.moved' && node !== undefined && to === node) return more.home
  return lines[kind] ?? kind
}

function placesOf(event: IncidentEvent, incident: Incident, { words }: Reader): Values {
  const { unknown } = words.say
  const { node, guest, from, to, storage, cluster, values = {} } = event
  const named =
    guest === undefined ? undefined : (incident.affected.find((one) => one.guest === guest) ?? nameIn(event))
  return {
    type: '',
    margin: unknown,
    ...values,
    cluster,
    node: node ?? from ?? to ?? unknown,
    guest: guest === undefined ? '' : machine({ guest, ...(named?.name === undefined ? {} : { name: named.name }) }),
    from: from ?? node ?? unknown,
    to: to ?? node ?? unknown,
    storage: storage ?? unknown,
  }
}

const nameIn = ({ values }: IncidentEvent) => (typeof values?.name === 'string' ? { name: values.name } : undefined)

function manyText(event: IncidentEvent, count: number, incident: Incident, reader: Reader): string {
  const { many } = reader.words.incidents
  const template = (many as Record<string, string>)[event.kind] ?? many.other
  return fill(template, { count, line: lineOf(event, incident, reader) })
}

function actText({ kind, by, text, until }: Act, reader: Reader): string {
  const { acts } = reader.words.incidents
  const who = by === undefined ? '' : reader.nameOf(by)
  const template = kind === 'resolve' && text !== undefined ? acts.resolveWhy : acts[kind]
  return fill(template, { who, text, until: until === undefined ? undefined : when(until, reader) })
}

const toldText = ({ how, to, result, detail }: Told, { words }: Reader): string =>
  fill(words.incidents.told[result], { to, how: words.incidents.how[how] }) +
  (detail === undefined ? '' : `: ${detail}`)

import { createHash } from 'node:crypto'
import {
  type APIComponentInContainer,
  type APIMessageTopLevelComponent,
  ButtonStyle,
  ComponentType,
  MessageFlags,
} from 'discord.js'
import { type Action, type Field, type Message, type Progress, type State, stateIcons } from '../../core/message.ts'
import { tableText } from './table.ts'
import { code, codeOverhead, cut, escaped, plain } from './text.ts'

/** Discord takes 4000 characters in all text displays of a message together; a little is left free. */
const textBudget = 3900
const limits = {
  title: 256,
  says: 800,
  raw: 1200,
  hint: 500,
  text: 1500,
  label: 200,
  fieldName: 100,
  field: 900,
  button: 80,
  id: 100,
}

const colours: Record<State, number> = {
  info: 0x5865f2,
  queued: 0x99aab5,
  running: 0x3498db,
  waiting: 0xf1c40f,
  ok: 0x2ecc71,
  warning: 0xe67e22,
  failed: 0xe74c3c,
  refused: 0x95a5a6,
  stale: 0x99aab5,
}

export interface Rendered {
  flags: number
  components: APIMessageTopLevelComponent[]
  allowed_mentions: { parse: [] }
}

/** A number that finds this card's message again among others: the id of its container. */
export const markOf = (card: string): number =>
  (createHash('sha256').update(card).digest().readUInt32BE() & 0x3fff_ffff) | 0x4000_0000

/**
 * The neutral message as components v2, within every limit; nobody is ever woken by it.
 * @param simulated the word that marks what only a simulated cluster did
 */
export function render(message: Message, card: string, simulated?: string): Rendered {
  const inside = [
    ...texts(message).map(display),
    ...image(message),
    ...buttons(message.actions ?? [], card),
    ...(simulated === undefined ? [] : [display(footer(simulated))]),
  ]
  return packed([
    { type: ComponentType.Container, id: markOf(card), accent_color: colours[message.state], components: inside },
  ])
}

/** Only what matters most, for one person who has no window of their own: `<@id>` shows whom, and wakes nobody. */
export function renderShort(message: Message, card: string, to: string | undefined, simulated?: string): Rendered {
  const { title, state, error, text } = message
  const whom = to === undefined ? '' : `<@${to}> `
  const lines = [`${whom}${stateIcons[state]} ${escaped(title, 200)}`, error?.says, error?.hint ?? text]
  const all = lines.flatMap((line, i) => (line === undefined ? [] : i === 0 ? line : escaped(line, 500)))
  if (simulated !== undefined) all.push(footer(simulated))
  return packed([{ ...display(all.join('\n')), id: markOf(card) }])
}

const footer = (simulated: string) => `-# **${simulated}**`

const packed = (components: APIMessageTopLevelComponent[]): Rendered => ({
  flags: MessageFlags.IsComponentsV2,
  components,
  allowed_mentions: { parse: [] },
})

const display = (content: string) => ({ type: ComponentType.TextDisplay as const, content })

/** Its parts in the order of reading, each cut to what the ones before have left over. */
function texts(message: Message): string[] {
  const parts: string[] = []
  let left = textBudget
  const add = (make: (most: number) => string) => {
    const part = left > 20 ? make(left) : ''
    if (part === '') return
    parts.push(part)
    left -= part.length
  }
  const short = (text: string | undefined, most: number) =>
    add((room) => (text ? escaped(text, Math.min(most, room)) : ''))
  const { error, table, log, fields, progress } = message
  add(() => `**${stateIcons[message.state]} ${escaped(message.title, limits.title)}**`)
  short(error?.says, limits.says)
  if (error?.raw) add((room) => block(error.raw!, Math.min(limits.raw, room)))
  short(error && `→ ${error.hint}`, limits.hint)
  short(message.text, limits.text)
  if (progress) add(() => progressLine(progress))
  if (fields?.length) add((room) => fieldLines(fields, room))
  if (table) add((room) => tableText(table, room))
  if (log?.length) add((room) => block(newest(log, room - codeOverhead), room))
  if (message.image && !attachmentOf(message) && !isPublic(message.image.url)) short(message.image.alt, limits.label)
  return parts
}

function block(text: string, most: number): string {
  const kept = cut(plain(text).trimEnd(), most - codeOverhead)
  return kept.trim() === '' ? '' : code(kept)
}

/** As many of the last lines as fit. */
function newest(lines: readonly string[], most: number): string {
  const kept: string[] = []
  let length = 0
  for (const line of lines.toReversed().map(plain)) {
    if (length + line.length + 1 > most) break
    kept.unshift(line)
    length += line.length + 1
  }
  return kept.length > 0 ? kept.join('\n') : (lines.at(-1) ?? '')
}

function progressLine({ percent = 0, step, of, label }: Progress): string {
  const shown = Math.max(0, Math.min(100, Math.round(percent)))
  const full = Math.round(shown / 5)
  const bar = `${'█'.repeat(full)}${'░'.repeat(20 - full)}`
  return `\`${bar}\` ${shown} % · ${step}/${of} ${escaped(label ?? '', limits.label)}`.trimEnd()
}

function fieldLines(fields: readonly Field[], most: number): string {
  const lines: string[] = []
  let length = 0
  for (const [index, { name, value }] of fields.entries()) {
    const head = `**${escaped(name, limits.fieldName)}**`
    // What is to be copied, line by line, is shown as it is.
    const line = value.includes('\n')
      ? `${head}\n${block(value, limits.field)}`
      : `${head} ${escaped(value || '–', limits.field)}`
    if (length + line.length + 12 > most) {
      lines.push(`… +${fields.length - index}`)
      break
    }
    lines.push(line)
    length += line.length + 1
  }
  return lines.join('\n')
}

const isPublic = (url: string): boolean => /^https?:\/\//.test(url) && URL.canParse(url) && url.length <= 2048

/** The picture that a message carries in itself: it travels beside the message, which names it. */
export function attachmentOf({ image }: Message): { name: string; data: Buffer; contentType: string } | undefined {
  const data = /^data:image\/(png|jpeg|gif);base64,([A-Za-z0-9+/=]+)$/.exec(image?.url ?? '')
  if (!data || data[2]!.length > mostPicture) return undefined
  return { name: `picture.${data[1]}`, data: Buffer.from(data[2]!, 'base64'), contentType: `image/${data[1]}` }
}

/** Of base64: Discord takes files of 10 MiB. */
const mostPicture = 12_000_000

function image(message: Message): APIComponentInContainer[] {
  const { image } = message
  const attached = attachmentOf(message)
  const url = attached ? `attachment://${attached.name}` : image?.url
  if (!image || url === undefined || (!attached && !isPublic(url))) return []
  const description = cut(plain(image.alt), 1024)
  return [
    {
      type: ComponentType.MediaGallery,
      items: [{ media: { url }, ...(description ? { description } : {}) }],
    },
  ]
}

const styles = { primary: ButtonStyle.Primary, danger: ButtonStyle.Danger, plain: ButtonStyle.Secondary } as const

function buttons(actions: readonly Action[], card: string): APIComponentInContainer[] {
  const made = actions
    .filter(({ id }) => `${id}:${card}`.length <= limits.id)
    .slice(0, 10)
    .map(({ id, label, style }) => ({
      type: ComponentType.Button as const,
      style: styles[style ?? 'plain'],
      custom_id: `${id}:${card}`,
      label: cut(plain(label), limits.button) || id,
    }))
  return [made.slice(0, 5), made.slice(5)]
    .filter((row) => row.length > 0)
    .map((components) => ({ type: ComponentType.ActionRow, components }))
}

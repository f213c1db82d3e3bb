import { type Fields, fields, list, string } from '../slack/fields.ts'
import { Component, flat } from './components.ts'

export const Flag = { ephemeral: 64, loading: 128, componentsV2: 32_768 } as const

const CONTENT = 2000
const TEXT_DISPLAYS = 4000
const COMPONENTS = 40
const EMBEDS = 6000

/** What the body is for, and what it changes. */
export interface MessagePlace {
  /** The message before the edit; absent for a new one. */
  before?: { flags: number; components: unknown; content: string } | undefined
  /** Only an answer to an interaction can be for one person. */
  mayBeEphemeral: boolean
  /** How many files came along. */
  files: number
}

const has = (value: unknown): boolean =>
  string(value) !== '' || list(value).length > 0 || Object.keys(fields(value)).length > 0

function repeated(values: unknown[]): unknown[] {
  return values.filter((value, index) => values.indexOf(value) !== index)
}

function buttonProblems(button: Fields): string[] {
  const style = Number(button.style)
  const name = `button "${string(button.label) || string(button.custom_id)}"`
  const says: string[] = []
  if (style >= 1 && style <= 4 && !button.custom_id) says.push(`${name} needs a custom_id`)
  if (style >= 1 && style <= 4 && button.url) says.push(`${name} has a url, which is for style 5`)
  if (style === 5 && (!button.url || button.custom_id)) says.push(`${name} of style 5 needs a url and no custom_id`)
  if (style !== 6 && !button.label && !button.emoji) says.push('a button needs a label or an emoji')
  return says
}

function rowProblems(row: Fields): string[] {
  const inner = list(row.components).map(fields)
  const menus = inner.filter(({ type }) => type !== Component.button)
  return menus.length > 0 && inner.length > 1 ? ['a menu stands alone in its row'] : []
}

function textOfEmbed(embed: Fields): number {
  const inFields = list(embed.fields).flatMap((field) => [fields(field).name, fields(field).value])
  const all = [embed.title, embed.description, fields(embed.footer).text, fields(embed.author).name, ...inFields]
  return all.reduce((sum: number, text) => sum + string(text).length, 0)
}

function v1Problems(components: unknown): string[] {
  const top = list(components).map(fields)
  const says = top.length > 5 ? [`${top.length} rows, at most 5 without IS_COMPONENTS_V2`] : []
  if (top.some(({ type }) => type !== Component.actionRow))
    says.push('without IS_COMPONENTS_V2 only action rows are allowed')
  return says
}

function v2Problems(body: Fields, components: unknown): string[] {
  const says = ['content', 'embeds', 'poll', 'sticker_ids']
    .filter((key) => has(body[key]))
    .map((key) => `${key} cannot be used with IS_COMPONENTS_V2`)
  const all = flat(components)
  const text = all.reduce(
    (sum, { type, content }) => sum + (type === Component.textDisplay ? string(content).length : 0),
    0,
  )
  if (all.length > COMPONENTS) says.push(`${all.length} components, at most ${COMPONENTS} with what is inside them`)
  if (text > TEXT_DISPLAYS) says.push(`${text} characters in text displays, at most ${TEXT_DISPLAYS}`)
  return says
}

function isEmpty(body: Fields, place: MessagePlace, isV2: boolean): boolean {
  const whole = place.before ? { ...place.before, ...body } : body
  const carries = ['content', 'embeds', 'components', 'poll', 'sticker_ids', 'message_snapshots']
  return isV2 ? !has(whole.components) : place.files === 0 && !carries.some((key) => has(whole[key]))
}

/** The rules for messages that the OpenAPI does not express; one sentence each. */
export function messageProblems(value: unknown, place: MessagePlace): string[] {
  const body = fields(value)
  const flags = Number(body.flags ?? place.before?.flags ?? 0)
  const wasV2 = ((place.before?.flags ?? 0) & Flag.componentsV2) !== 0
  const isV2 = (flags & Flag.componentsV2) !== 0
  const components = body.components ?? []
  const all = flat(components)
  const says = isV2 ? v2Problems(body, components) : v1Problems(components)
  if (wasV2 && !isV2) says.push('IS_COMPONENTS_V2 cannot be taken off a message')
  if ((Number(body.flags ?? 0) & Flag.ephemeral) !== 0 && !place.mayBeEphemeral)
    says.push('only an answer to an interaction can be ephemeral')
  if (string(body.content).length > CONTENT)
    says.push(`content has ${string(body.content).length} characters, at most ${CONTENT}`)
  const embeds = list(body.embeds).reduce((sum: number, embed) => sum + textOfEmbed(fields(embed)), 0)
  if (embeds > EMBEDS) says.push(`${embeds} characters in embeds, at most ${EMBEDS}`)
  for (const id of repeated(all.flatMap(({ custom_id }) => custom_id ?? [])))
    says.push(`custom_id "${id}" is there twice`)
  for (const id of repeated(all.flatMap(({ id }) => id || []))) says.push(`component id ${id} is there twice`)
  for (const component of all) {
    if (component.type === Component.button) says.push(...buttonProblems(component))
    if (component.type === Component.actionRow) says.push(...rowProblems(component))
  }
  if (isEmpty(body, place, isV2)) says.push('the message is empty')
  return says
}

/** Whom this message would wake: what stands in its text and is not held back by allowed_mentions. */
export function pingsOf(value: unknown): string[] {
  const body = fields(value)
  const text = [string(body.content), ...flat(body.components).map(({ content }) => string(content))].join('\n')
  const allowed = body.allowed_mentions ? fields(body.allowed_mentions) : undefined
  const parses = (kind: string) => allowed === undefined || list(allowed.parse).includes(kind)
  const found = (pattern: RegExp) => [...text.matchAll(pattern)].map(([whole, id]) => ({ whole, id }))
  const named = (ids: unknown, all: { whole: string; id: string | undefined }[]) =>
    all.filter(({ id }) => list(ids).includes(id))
  const users = found(/<@!?(\d+)>/g)
  const groups = found(/<@&(\d+)>/g)
  return [
    ...(parses('everyone') ? found(/@(everyone|here)/g) : []),
    ...(parses('users') ? users : named(allowed?.users, users)),
    ...(parses('roles') ? groups : named(allowed?.roles, groups)),
  ].map(({ whole }) => whole)
}

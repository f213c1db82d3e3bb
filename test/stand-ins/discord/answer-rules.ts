import { type Fields, fields, list, string } from '../slack/fields.ts'
import { Component, flat } from './components.ts'

/** Interaction types, and the responses that fit each (docs: receiving-and-responding). */
export const Interaction = { command: 2, component: 3, autocomplete: 4, modal: 5 } as const
export const Response = { message: 4, deferred: 5, deferredUpdate: 6, update: 7, choices: 8, modal: 9 } as const

const FITS: Record<number, readonly number[]> = {
  [Interaction.command]: [Response.message, Response.deferred, Response.modal],
  [Interaction.component]: [
    Response.message,
    Response.deferred,
    Response.deferredUpdate,
    Response.update,
    Response.modal,
  ],
  [Interaction.autocomplete]: [Response.choices],
  [Interaction.modal]: [Response.message, Response.deferred, Response.deferredUpdate, Response.update],
}

/** Whether this type of response may answer this interaction at all. */
export function fitProblems(interactionType: number, responseType: number, hasMessage: boolean): string[] {
  const fits = FITS[interactionType]?.includes(responseType) === true
  const updates = responseType === Response.deferredUpdate || responseType === Response.update
  if (fits && !(updates && !hasMessage)) return []
  return [`a response of type ${responseType} does not fit an interaction of type ${interactionType}`]
}

/** At most 25 choices; what a person sends back is at most 100 characters. */
export function choiceProblems(data: unknown): string[] {
  const choices = list(fields(data).choices).map(fields)
  const says = choices.length > 25 ? [`${choices.length} choices, at most 25`] : []
  for (const { name, value } of choices) {
    if (string(name).length < 1 || string(name).length > 100) says.push(`choice name "${name}": 1 to 100 characters`)
    if (String(value).length < 1 || String(value).length > 100)
      says.push(`choice value "${value}": 1 to 100 characters`)
  }
  return says
}

function fieldProblems(field: Fields): string[] {
  const name = string(field.custom_id)
  const says: string[] = []
  const value = string(field.value)
  if (field.type === Component.textInput) {
    if (value.length > Number(field.max_length ?? 4000)) says.push(`${name}: the value is longer than max_length`)
    if (value !== '' && value.length < Number(field.min_length ?? 0))
      says.push(`${name}: the value is shorter than min_length`)
  }
  const options = list(field.options).map(fields)
  const values = options.map((option) => option.value)
  if (new Set(values).size < values.length) says.push(`${name}: two options have one value`)
  if (options.filter((option) => option.default === true).length > Number(field.max_values ?? 1))
    says.push(`${name}: more defaults than max_values`)
  return says
}

/** The rules for modals that the OpenAPI does not express. */
export function modalProblems(data: unknown): string[] {
  const top = list(fields(data).components).map(fields)
  const all = flat(top)
  const says = top.length > 5 ? [`${top.length} components, at most 5 in a modal`] : []
  const ids = all.flatMap(({ custom_id }) => custom_id ?? [])
  if (new Set(ids).size < ids.length) says.push('two fields have one custom_id')
  const labelled = top.filter(({ type }) => type === Component.label).map(({ component }) => fields(component))
  if (labelled.some(({ label }) => label)) says.push('a text input inside a label has no label of its own')
  return [...says, ...all.flatMap(fieldProblems)]
}

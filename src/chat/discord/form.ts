import {
  type APILabelComponent,
  type APIModalInteractionResponseCallbackData,
  ComponentType,
  type ModalSubmitInteraction,
  TextInputStyle,
} from 'discord.js'
import type { FormField } from '../../core/message.ts'
import { cut, plain } from './text.ts'

const mostFields = 5
const mostOptions = 25
const limits = { title: 45, label: 45, description: 100, option: 100, value: 2000 }

/** A form as Discord's modal: at most five fields, so of a longer one only what must be given. */
export function modal(
  title: string,
  customId: string,
  fields: readonly FormField[],
): APIModalInteractionResponseCallbackData {
  return { custom_id: customId, title: cut(plain(title), limits.title), components: chosen(fields).map(labelled) }
}

/** Secrets are handed over by a link, never typed into a chat. */
function chosen(fields: readonly FormField[]): FormField[] {
  const all = fields.filter(({ type }) => type !== 'secret')
  if (all.length <= mostFields) return all
  const empty = ({ value }: FormField) => Number(value === undefined || value === '')
  return all
    .filter(({ required }) => required)
    .sort((a, b) => empty(b) - empty(a))
    .slice(0, mostFields)
}

/** A long label says what to fill in below the field's name. */
function labelled(field: FormField): APILabelComponent {
  const text = plain(field.label).trim() || field.name
  const isLong = text.length > limits.label
  return {
    type: ComponentType.Label,
    label: isLong ? cut(field.name, limits.label) : text,
    ...(isLong ? { description: cut(text, limits.description) } : {}),
    component: isMenu(field) ? menu(field) : input(field),
  }
}

const offered = ({ type, options }: FormField) =>
  type === 'boolean' && !options ? ['true', 'false'].map((value) => ({ value, label: value })) : (options ?? [])

const isMenu = (field: FormField): boolean => {
  const options = offered(field)
  return (
    options.length > 0 &&
    options.length <= mostOptions &&
    options.every(({ value }) => value !== '' && value.length <= limits.option)
  )
}

function menu(field: FormField): APILabelComponent['component'] {
  const once = offered(field).filter(({ value }, i, all) => all.findIndex((other) => other.value === value) === i)
  return {
    type: ComponentType.StringSelect,
    custom_id: field.name,
    required: field.required,
    options: once.map(({ value, label }) => ({
      value,
      label: cut(plain(label), limits.option) || value,
      ...(value === field.value ? { default: true } : {}),
    })),
  }
}

const input = ({ name, required, value }: FormField): APILabelComponent['component'] => ({
  type: ComponentType.TextInput,
  custom_id: name,
  style: TextInputStyle.Short,
  required,
  max_length: limits.value,
  ...(value === undefined || value === '' ? {} : { value: cut(plain(value), limits.value) }),
})

interface Filled {
  customId?: string
  value?: unknown
  values?: readonly string[]
}

/** What was filled in, by field; empty where something was left empty. */
export function filledIn({ components }: Pick<ModalSubmitInteraction, 'components'>): Record<string, string> {
  const filled = components.flatMap((part): readonly Filled[] => {
    if ('component' in part) return [part.component]
    return 'components' in part ? part.components : []
  })
  return Object.fromEntries(
    filled.flatMap(({ customId, value, values }) =>
      customId === undefined ? [] : [[customId, String(values?.[0] ?? value ?? '')]],
    ),
  )
}

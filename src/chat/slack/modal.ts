import type { InputBlock, ModalView, PlainTextOption } from '@slack/types'
import type { FormField } from '../../core/message.ts'
import { cut, cutEscaped } from './text.ts'

/** What a form needs to become a modal. */
export interface SlackForm {
  card: string
  title: string
  text: string
  fields: FormField[]
  /** Fields whose options are looked up while one types. */
  completes: string[]
  labels: { submit: string; cancel: string }
  /** What sending it does; absent: it answers the form that waits under the card. */
  action?: 'note'
}

/** docs.slack.dev/reference/views and /block-kit. */
const limits = {
  title: 24,
  button: 24,
  label: 150,
  option: 75,
  value: 150,
  options: 100,
  text: 3000,
  fields: 40,
}

export const formCallback = 'form.submit'
export const noteCallback = 'note'
/** Begins the action_id of every field. */
export const fieldAction = 'field.'

/** The form as a modal; `private_metadata` says whose card it is and where that stands. */
export function modal(form: SlackForm, target: string): ModalView {
  // What is typed here would be read by Slack: secrets are asked elsewhere.
  const fields = form.fields.filter(({ type }) => type !== 'secret').slice(0, limits.fields)
  return {
    type: 'modal',
    callback_id: form.action === 'note' ? noteCallback : formCallback,
    private_metadata: JSON.stringify({ card: form.card, target }),
    notify_on_close: true,
    title: plain(form.title, limits.title),
    submit: plain(form.labels.submit, limits.button),
    close: plain(form.labels.cancel, limits.button),
    blocks: [
      { type: 'section', text: { type: 'mrkdwn', text: cutEscaped(form.text, limits.text) || '–', verbatim: true } },
      ...fields.map((field) => input(field, form.completes.includes(field.name))),
    ],
  }
}

function input(field: FormField, completes: boolean): InputBlock {
  return {
    type: 'input',
    block_id: field.name,
    label: plain(field.label, limits.label),
    optional: !field.required,
    element: element(field, completes),
  }
}

function element(field: FormField, completes: boolean): InputBlock['element'] {
  const action_id = fieldAction + field.name
  const options = choicesOf(field).map(option).filter(fits)
  const chosen = options.find(({ value }) => value === field.value)
  if (field.type === 'boolean') {
    return { type: 'radio_buttons', action_id, options, ...(chosen ? { initial_option: chosen } : {}) }
  }
  if (completes || options.length > limits.options) {
    const known = field.value ? option({ value: field.value, label: field.value }) : undefined
    return {
      type: 'external_select',
      action_id,
      min_query_length: 0,
      ...(known && fits(known) ? { initial_option: known } : {}),
    }
  }
  // What was typed and is none of the options stays as it is, to be corrected.
  if (options.length > 0 && (field.value === undefined || chosen)) {
    return { type: 'static_select', action_id, options, ...(chosen ? { initial_option: chosen } : {}) }
  }
  return {
    type: 'plain_text_input',
    action_id,
    max_length: limits.text,
    ...(field.value ? { initial_value: field.value.slice(0, limits.text) } : {}),
  }
}

const choicesOf = ({ type, options }: FormField) =>
  type === 'boolean' && !options ? ['true', 'false'].map((value) => ({ value, label: value })) : (options ?? [])

const plain = (text: string, most: number) => ({ type: 'plain_text' as const, text: cut(text, most) || '–' })

const option = ({ value, label }: { value: string; label: string }): PlainTextOption & { value: string } => ({
  text: plain(label, limits.option),
  value,
})

const fits = ({ value }: { value: string }) => value.length > 0 && value.length <= limits.value

/** The answer to what is being typed: what fits, and what was typed itself, since a list may be old. */
export function suggestions(
  choices: readonly { value: string; label: string }[],
  typed: string,
): (PlainTextOption & { value: string })[] {
  const own = typed.trim()
  const known = choices.some(({ value }) => value === own)
  const all = [...choices, ...(own === '' || known ? [] : [{ value: own, label: own }])]
  return [...all.slice(0, limits.options - 1), ...all.slice(limits.options - 1).slice(-1)].map(option).filter(fits)
}

type State = Record<
  string,
  Record<string, { value?: string | null | undefined; selected_option?: { value: string } | null | undefined }>
>

/** What was filled in, by field; an empty field is an empty text. */
export function filledIn(values: State): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, block]) => {
      const held = Object.values(block)[0]
      return [name, held?.selected_option?.value ?? held?.value ?? '']
    }),
  )
}

/** Whose card a modal is about; undefined for one that is not ours. */
export function aboutOf(metadata: string): { card: string; target: string } | undefined {
  try {
    const { card, target } = JSON.parse(metadata) as { card?: unknown; target?: unknown }
    return typeof card === 'string' && typeof target === 'string' ? { card, target } : undefined
  } catch {
    return undefined
  }
}

import { findOption } from './elements.ts'
import { type Block, type Fields, fields, list, string } from './fields.ts'

/** What a person types or picks in one field: text, an option's value or text, several of them, or an option itself. */
export type FieldValue = string | number | string[] | Fields

function option(element: Fields, value: FieldValue): Fields {
  return typeof value === 'object' && !Array.isArray(value) ? value : findOption(element, String(value))
}

const one = (element: Fields, value: FieldValue): Fields => ({ selected_option: option(element, value) })
const several = (element: Fields, value: FieldValue): Fields => ({
  selected_options: (Array.isArray(value) ? value : [value]).map((item) => option(element, item)),
})
const plain =
  (key: string) =>
  (_: Fields, value: FieldValue): Fields => ({ [key]: value })

/** How the state of each kind of element is written (docs.slack.dev, view_submission payload). */
const STATES: Record<string, (element: Fields, value: FieldValue) => Fields> = {
  static_select: one,
  external_select: one,
  radio_buttons: one,
  overflow: one,
  checkboxes: several,
  multi_static_select: several,
  multi_external_select: several,
  users_select: plain('selected_user'),
  conversations_select: plain('selected_conversation'),
  channels_select: plain('selected_channel'),
  multi_users_select: plain('selected_users'),
  datepicker: plain('selected_date'),
  timepicker: plain('selected_time'),
  datetimepicker: plain('selected_date_time'),
}

/** The element's part of an interaction payload once the person chose `value`. */
export function chosen(element: Fields, value: FieldValue): Fields {
  const state = STATES[string(element.type)]
  return state ? state(element, value) : { value: String(value) }
}

/** What the field holds before anybody touches it. */
function initial(element: Fields): Fields {
  if (element.initial_option) return { selected_option: element.initial_option }
  if (element.initial_options) return { selected_options: element.initial_options }
  if (element.initial_value !== undefined) return { value: String(element.initial_value) }
  const state = STATES[string(element.type)]
  if (state === several) return { selected_options: [] }
  return state === one ? { selected_option: null } : { value: null }
}

function isEmpty(state: Fields): boolean {
  return Object.values(state).every(
    (value) => value === null || value === '' || (Array.isArray(value) && !value.length),
  )
}

/** What the person's own client would stop before Slack hears of it. */
function refuse(block: Block, element: Fields, state: Fields): void {
  const label = string(fields(block.label).text)
  if (block.optional !== true && isEmpty(state)) throw new Error(`"${label}" must be filled in before submitting`)
  const length = string(state.value).length
  if (typeof element.max_length === 'number' && length > element.max_length) throw new Error(`"${label}" is too long`)
  if (typeof element.min_length === 'number' && length && length < element.min_length)
    throw new Error(`"${label}" is too short`)
}

/**
 * The `state.values` of a modal filled with `values`, keyed by block_id or action_id; fields not named keep what
 * they were opened with. Throws where the client would not let the person submit, and for a field that is not there.
 */
export function formState(blocks: Block[], values: Record<string, FieldValue>): Record<string, Fields> {
  const unused = new Set(Object.keys(values))
  const state: Record<string, Fields> = {}
  for (const block of blocks) {
    const holders = block.type === 'input' ? [block.element] : [block.accessory, ...list(block.elements)]
    for (const element of holders.map(fields).filter(({ action_id }) => typeof action_id === 'string')) {
      if (element.type === 'button') continue
      const blockId = string(block.block_id)
      const actionId = string(element.action_id)
      const key = [blockId, actionId].find((name) => name in values)
      const held = key === undefined ? initial(element) : chosen(element, values[key]!)
      if (key !== undefined) unused.delete(key)
      if (block.type === 'input') refuse(block, element, held)
      state[blockId] = { ...state[blockId], [actionId]: { type: element.type, ...held } }
    }
  }
  if (unused.size > 0) throw new Error(`the form has no field ${[...unused].join(', ')}`)
  return state
}

import { type Fields, fields, list } from './fields.ts'
import { at, checkList, checkString, checkText, type Place, report } from './limits.ts'

type Check = (place: Place, element: Fields) => void

const MENUS = ['static_select', 'external_select', 'users_select', 'conversations_select', 'channels_select']
const MULTI_MENUS = MENUS.map((menu) => `multi_${menu}`)
const PICKERS = ['checkboxes', 'radio_buttons', 'datepicker', 'timepicker', ...MENUS, ...MULTI_MENUS]
const TYPED = ['plain_text_input', 'number_input', 'email_text_input', 'url_text_input', 'rich_text_input']

/** Which elements Slack takes in which kind of block (docs.slack.dev/reference/block-kit/block-elements). */
const ELEMENTS_OF: Record<string, readonly string[]> = {
  section: ['button', 'image', 'overflow', 'workflow_button', ...PICKERS],
  actions: ['button', 'overflow', 'workflow_button', 'datetimepicker', 'rich_text_input', ...PICKERS],
  input: ['datetimepicker', 'file_input', ...PICKERS, ...TYPED],
  context: ['image', 'plain_text', 'mrkdwn'],
  context_actions: ['feedback_buttons', 'icon_button'],
}

const LABEL = 75
const OPTION_VALUE = 150

function checkConfirm(place: Place, value: unknown): void {
  if (value === undefined) return
  const confirm = fields(value)
  checkText(at(place, 'title'), confirm.title, { max: 100, required: true, plain: true })
  checkText(at(place, 'text'), confirm.text, { max: 300, required: true })
  checkText(at(place, 'confirm'), confirm.confirm, { max: 30, required: true, plain: true })
  checkText(at(place, 'deny'), confirm.deny, { max: 30, required: true, plain: true })
}

/** The options of a menu, of checkboxes or of an answer to `block_suggestion`. */
export function checkOptions(place: Place, value: unknown, max: number, plain = true): void {
  checkList(place, value, 1, max).forEach((item, index) => {
    const option = fields(item)
    const here = at(place, index)
    checkText(at(here, 'text'), option.text, { max: LABEL, required: true, plain })
    checkString(at(here, 'value'), option.value, OPTION_VALUE, true)
    checkText(at(here, 'description'), option.description, { max: LABEL })
  })
}

function checkMenu(place: Place, element: Fields): void {
  if (element.options !== undefined && element.option_groups !== undefined) report(place, 'options or option_groups')
  if (element.option_groups === undefined) checkOptions(at(place, 'options'), element.options, 100)
  else {
    const groups = checkList(at(place, 'option_groups'), element.option_groups, 1, 100)
    groups.forEach((item, index) => {
      const here = at(at(place, 'option_groups'), index)
      checkText(at(here, 'label'), fields(item).label, { max: LABEL, required: true, plain: true })
      checkOptions(at(here, 'options'), fields(item).options, 100)
    })
  }
  const all = [element, ...list(element.option_groups).map(fields)].flatMap((holder) => list(holder.options))
  const initial = element.initial_option === undefined ? list(element.initial_options) : [element.initial_option]
  for (const chosen of initial) {
    const known = all.some((option) => fields(option).value === fields(chosen).value)
    if (!known) report(place, 'the initial option is none of the options')
  }
}

function checkInput(place: Place, element: Fields): void {
  const max = element.max_length
  if (max !== undefined && (typeof max !== 'number' || max < 1 || max > 3000)) report(place, 'max_length is 1 to 3000')
  if (typeof max === 'number' && String(element.initial_value ?? '').length > max)
    report(place, 'initial_value is longer than max_length')
  if (element.initial_value === '') return
  checkString(at(place, 'initial_value'), element.initial_value, 3000)
}

function checkButton(place: Place, element: Fields): void {
  checkText(at(place, 'text'), element.text, { max: LABEL, required: true, plain: true })
  checkString(at(place, 'value'), element.value, 2000)
  checkString(at(place, 'url'), element.url, 3000)
  checkString(at(place, 'accessibility_label'), element.accessibility_label, LABEL)
  const style = element.style
  if (style !== undefined && style !== 'primary' && style !== 'danger') report(place, `style "${style}" is not known`)
}

const CHECKS: Record<string, Check> = {
  button: checkButton,
  static_select: checkMenu,
  multi_static_select: checkMenu,
  overflow: (place, element) => checkOptions(at(place, 'options'), element.options, 5),
  checkboxes: (place, element) => checkOptions(at(place, 'options'), element.options, 10, false),
  radio_buttons: (place, element) => checkOptions(at(place, 'options'), element.options, 10, false),
  plain_text_input: checkInput,
  number_input: (place, element) => {
    if (typeof element.is_decimal_allowed !== 'boolean') report(place, 'is_decimal_allowed is required')
  },
  image: (place, element) => {
    checkString(at(place, 'alt_text'), element.alt_text, 2000, true)
    if (element.slack_file === undefined) checkString(at(place, 'image_url'), element.image_url, 3000, true)
  },
}

/** One interactive element in a block of kind `blockType`. */
export function checkElement(place: Place, value: unknown, blockType: string): void {
  const element = fields(value)
  const type = String(element.type)
  if (!ELEMENTS_OF[blockType]?.includes(type)) {
    report(place, `${type} does not belong in ${blockType}`)
    return
  }
  checkString(at(place, 'action_id'), element.action_id, 255)
  checkText(at(place, 'placeholder'), element.placeholder, { max: 150, plain: true })
  checkConfirm(at(place, 'confirm'), element.confirm)
  CHECKS[type]?.(place, element)
}

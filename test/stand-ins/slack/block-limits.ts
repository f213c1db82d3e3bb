import { checkElement } from './element-limits.ts'
import { type Fields, fields, list, string, textsIn } from './fields.ts'
import { at, checkList, checkString, checkText, checkUnique, type Place, report } from './limits.ts'

type Surface = 'message' | 'modal' | 'home'
type Check = (place: Place, block: Fields) => void

const MESSAGE_BLOCKS = 50
const VIEW_BLOCKS = 100
/** Cells of all tables of a message together (docs.slack.dev, table block). */
const TABLE_TEXT = 10_000
const MARKDOWN_TEXT = 12_000
/** Not documented: Slack refused 11,341 characters of text in all blocks (github.com/slackapi/bolt-js/issues/2867). */
const MESSAGE_TEXT = 11_000

function checkSection(place: Place, block: Fields): void {
  if (block.text === undefined && block.fields === undefined) report(place, 'needs text or fields')
  checkText(at(place, 'text'), block.text, { max: 3000 })
  if (block.fields !== undefined) {
    checkList(at(place, 'fields'), block.fields, 1, 10).forEach((field, index) => {
      checkText(at(at(place, 'fields'), index), field, { max: 2000, required: true })
    })
  }
  if (block.accessory !== undefined) checkElement(at(place, 'accessory'), block.accessory, 'section')
}

function checkElements(type: string, max: number): Check {
  return (place, block) => {
    const elements = checkList(at(place, 'elements'), block.elements, 1, max)
    elements.forEach((element, index) => {
      const here = at(at(place, 'elements'), index)
      checkElement(here, element, type)
      if (type === 'context' && fields(element).type !== 'image') checkText(here, element, { max: 3000 })
    })
    checkUnique(place, elements, 'action_id')
  }
}

function checkInputBlock(place: Place, block: Fields): void {
  checkText(at(place, 'label'), block.label, { max: 2000, required: true, plain: true })
  checkText(at(place, 'hint'), block.hint, { max: 2000, plain: true })
  checkElement(at(place, 'element'), block.element, 'input')
}

function checkImage(place: Place, block: Fields): void {
  checkString(at(place, 'alt_text'), block.alt_text, 2000, true)
  checkText(at(place, 'title'), block.title, { max: 2000, plain: true })
  if (block.slack_file === undefined) checkString(at(place, 'image_url'), block.image_url, 3000, true)
}

function checkRows(minRows: number, maxRows: number): Check {
  return (place, block) => {
    const rows = checkList(at(place, 'rows'), block.rows, minRows, maxRows)
    const columns = list(rows[0]).length
    rows.forEach((row, index) => {
      const here = at(at(place, 'rows'), index)
      const cells = checkList(here, row, 1, 20)
      if (cells.length !== columns) report(here, `${cells.length} cells, the first row has ${columns}`)
      cells.forEach((cell, column) => {
        const { type, text } = fields(cell)
        if (!['raw_text', 'raw_number', 'rich_text'].includes(string(type)))
          report(at(here, column), 'not a table cell')
        if (type === 'raw_text') checkString(at(here, column), text, TABLE_TEXT, true)
      })
    })
    if (block.type === 'data_table') checkString(at(place, 'caption'), block.caption, 3000, true)
    else if (block.column_settings !== undefined) checkList(at(place, 'column_settings'), block.column_settings, 0, 20)
  }
}

/** Kinds with no check of their own are known to Slack (@slack/types 3.2.0, KnownBlock) but taken on trust. */
const trusted: Check = () => {}
const CHECKS: Record<string, Check> = {
  section: checkSection,
  header: (place, block) => checkText(at(place, 'text'), block.text, { max: 150, required: true, plain: true }),
  context: checkElements('context', 10),
  actions: checkElements('actions', 25),
  context_actions: checkElements('context_actions', 5),
  input: checkInputBlock,
  image: checkImage,
  divider: trusted,
  markdown: (place, block) => checkString(at(place, 'text'), block.text, MARKDOWN_TEXT, true),
  rich_text: (place, block) => void checkList(at(place, 'elements'), block.elements, 0, 200),
  table: checkRows(1, 100),
  data_table: checkRows(2, 101),
  ...Object.fromEntries(
    ['alert', 'card', 'carousel', 'container', 'plan', 'task_card', 'video'].map((kind) => [kind, trusted]),
  ),
}

function sum(texts: string[]): number {
  return texts.reduce((total, text) => total + text.length, 0)
}

function checkTotals(place: Place, blocks: Fields[]): void {
  const tables = blocks.filter((block) => block.type === 'table')
  if (tables.length > 1) report(place, `only_one_table_allowed: ${tables.length} tables in one message`)
  const cells = sum(textsIn(blocks.filter((block) => string(block.type).endsWith('table'))))
  if (cells > TABLE_TEXT) report(place, `${cells} characters in table cells, at most ${TABLE_TEXT}`)
  const markdown = sum(textsIn(blocks.filter((block) => block.type === 'markdown')))
  if (markdown > MARKDOWN_TEXT) report(place, `${markdown} characters of markdown, at most ${MARKDOWN_TEXT}`)
  const all = sum(textsIn(blocks, { tables: false }))
  if (all > MESSAGE_TEXT) report(place, `msg_blocks_too_long: ${all} characters of text, ${MESSAGE_TEXT} are safe`)
}

/**
 * What Slack would hold against these blocks, one sentence each with its path; empty when it would take them.
 * The numbers come from docs.slack.dev/reference/block-kit and @slack/types 3.2.0; lengths are UTF-16 units,
 * which is never laxer than Slack's own count.
 */
export function blockProblems(value: unknown, surface: Surface = 'message'): string[] {
  const place: Place = { path: 'blocks', problems: [] }
  const max = surface === 'message' ? MESSAGE_BLOCKS : VIEW_BLOCKS
  const blocks = checkList(place, value, surface === 'modal' ? 1 : 0, max).map(fields)
  checkUnique(place, blocks, 'block_id')
  blocks.forEach((block, index) => {
    const here = at(place, index)
    const check = CHECKS[string(block.type)]
    if (!check) report(here, `block type ${JSON.stringify(block.type)} is not known`)
    else if (surface !== 'message' && string(block.type).endsWith('table')) report(here, 'tables are for messages only')
    checkString(at(here, 'block_id'), block.block_id, 255)
    check?.(here, block)
  })
  if (surface === 'message') checkTotals(place, blocks)
  return place.problems
}

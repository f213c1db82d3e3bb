import type { ActionsBlock, Button, KnownBlock } from '@slack/types'
import { type Action, type Message, stateIcons } from '../../core/message.ts'
import { tableBlock } from './table.ts'
import { cut, cutEscaped } from './text.ts'

/** Slack's own limits (docs.slack.dev/reference/block-kit); the sum of all block text is undocumented, 11,000 is safe. */
const limits = {
  title: 150,
  section: 3000,
  fields: 10,
  field: 2000,
  fieldName: 100,
  button: 75,
  buttons: 10,
  confirmTitle: 100,
  confirmText: 300,
  confirmButton: 30,
  blocks: 48,
}
const textBudget = 9000
const mostFields = 30

/** Escapes and cuts a text so that it fits its place and what is left for the whole message. */
type Spend = (text: string, most: number) => string

export interface Rendered {
  /** What notifications show. */
  text: string
  blocks: KnownBlock[]
}

/**
 * The neutral message as Block Kit, within every limit. All text is somebody's: it stays text, whatever it contains.
 * @param simulated the word that marks what only a simulated cluster did
 */
export function render(message: Message, card: string, simulated?: string): Rendered {
  const budget = { left: textBudget }
  const spend: Spend = (text, most) => {
    const kept = cutEscaped(text, Math.max(1, Math.min(most, budget.left))) || '–'
    budget.left -= kept.length
    return kept
  }
  const title = `${stateIcons[message.state]} ${message.title}`
  const foot = [...actionBlocks(message, card), ...(simulated === undefined ? [] : [footer(simulated)])]
  const blocks = [
    section(`*${spend(title.replaceAll('*', '∗'), limits.title)}*`),
    ...errorBlocks(message.error, spend),
    ...(message.text ? [section(spend(message.text, limits.section))] : []),
    ...(message.progress ? [section(progressLine(message.progress, spend))] : []),
    ...fieldBlocks(message.fields ?? [], spend),
    ...(message.table && message.table.columns.length > 0 ? [tableBlock(message.table)] : []),
    ...(message.log?.length ? [section(fenced(message.log.join('\n').slice(-2500), 2500, spend))] : []),
    ...imageBlocks(message.image),
  ]
  return { text: cutEscaped(title, 300), blocks: [...blocks.slice(0, limits.blocks - foot.length), ...foot] }
}

/** `verbatim`: Slack makes no links, channels or mentions out of what it finds in the text. */
const mrkdwn = (text: string) => ({ type: 'mrkdwn' as const, text, verbatim: true })

const section = (text: string): KnownBlock => ({ type: 'section', text: mrkdwn(text) })

const footer = (text: string): KnownBlock => ({ type: 'context', elements: [mrkdwn(`*${text}*`)] })

const fenced = (text: string, most: number, spend: Spend) => `\`\`\`${spend(text.replaceAll('```', "'''"), most)}\`\`\``

function errorBlocks(error: Message['error'], spend: Spend): KnownBlock[] {
  if (!error) return []
  return [
    section(spend(error.says, limits.section)),
    ...(error.raw ? [section(fenced(error.raw, 1500, spend))] : []),
    section(`→ ${spend(error.hint, 1000)}`),
  ]
}

function fieldBlocks(fields: NonNullable<Message['fields']>, spend: Spend): KnownBlock[] {
  const blocks: KnownBlock[] = []
  for (let i = 0; i < Math.min(fields.length, mostFields); i += limits.fields) {
    blocks.push({
      type: 'section',
      fields: fields.slice(i, Math.min(i + limits.fields, mostFields)).map(({ name, value }) =>
        // The name, two stars and a line break come on top of the value.
        mrkdwn(`*${spend(name, limits.fieldName)}*\n${spend(value, limits.field - limits.fieldName - 10)}`),
      ),
    })
  }
  return blocks
}

function progressLine(progress: NonNullable<Message['progress']>, spend: Spend): string {
  const percent = Math.max(0, Math.min(100, Math.round(progress.percent ?? 0)))
  const full = Math.round(percent / 5)
  const label = progress.label ? ` ${spend(progress.label, 200)}` : ''
  return `\`${'█'.repeat(full)}${'░'.repeat(20 - full)}\` ${percent} % · ${progress.step}/${progress.of}${label}`
}

/** Slack fetches a picture from its address; those that are in the message itself are uploaded (`pictures.ts`). */
function imageBlocks(image: Message['image']): KnownBlock[] {
  if (!image || !/^https:\/\/\S{1,2990}$/.test(image.url)) return []
  return [{ type: 'image', image_url: image.url, alt_text: cut(image.alt, 1000) || '–' }]
}

function actionBlocks(message: Message, card: string): ActionsBlock[] {
  const actions = message.actions ?? []
  if (actions.length === 0) return []
  return [
    { type: 'actions', elements: actions.slice(0, limits.buttons).map((action) => button(action, message, card)) },
  ]
}

function button({ id, label, style }: Action, message: Message, card: string): Button {
  // This one opens the form.
  const says = id === 'form.submit' ? `${label}…` : label
  return {
    type: 'button',
    action_id: `${id}:${card}`,
    value: card,
    text: { type: 'plain_text', text: cut(says, limits.button) || '–' },
    ...(style === undefined ? {} : { style }),
    ...(style === 'danger' ? { confirm: confirmation(label, message.title) } : {}),
  }
}

/** What destroys something is asked once more. `No` is Spanish too. */
const confirmation = (label: string, title: string) => ({
  title: { type: 'plain_text' as const, text: cut(label, limits.confirmTitle) || '–' },
  text: { type: 'plain_text' as const, text: cut(title, limits.confirmText) || '–' },
  confirm: { type: 'plain_text' as const, text: cut(label, limits.confirmButton) || '–' },
  deny: { type: 'plain_text' as const, text: 'No' },
  style: 'danger' as const,
})

import type { KnownBlock } from '@slack/types'
import type { Message, State } from '../../core/message.ts'

/** Slack's own limits (api.slack.com/reference/block-kit); the sum of all block text is undocumented, 11,000 is safe. */
const limits = {
  title: 150,
  section: 3000,
  fields: 10,
  field: 2000,
  button: 75,
  text: 4000,
  rows: 99,
  columns: 20,
  cell: 200,
  blocks: 48,
}
const textBudget = 9000

const icons: Record<State, string> = {
  info: 'ℹ️',
  queued: '🕓',
  running: '⏳',
  waiting: '✋',
  ok: '✅',
  warning: '⚠️',
  failed: '❌',
  refused: '⛔',
  stale: '❔',
}

/** Slack reads `<`, `>` and `&` as its own marks (mentions, links); escaped they stay text. */
export const escapeText = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const cut = (text: string, most: number) =>
  [...text].length > most ? `${[...text].slice(0, most - 1).join('')}…` : text

/** The neutral message as Block Kit, within every limit; `text` is what notifications show. */
export function render(message: Message, card: string): { text: string; blocks: KnownBlock[] } {
  const budget = { left: textBudget }
  const spend = (text: string, most: number) => {
    const kept = cut(escapeText(text), Math.max(1, Math.min(most, budget.left)))
    budget.left -= kept.length
    return kept
  }
  const title = `${icons[message.state]} ${message.title}`
  const blocks: KnownBlock[] = [section(`*${spend(title.replaceAll('*', '∗'), limits.title)}*`)]
  if (message.error) {
    const { says, hint, raw } = message.error
    blocks.push(section(spend(says, limits.section)))
    if (raw) blocks.push(section(`\`\`\`${spend(raw.replaceAll('```', "'''"), 1500)}\`\`\``))
    blocks.push(section(`→ ${spend(hint, 1000)}`))
  }
  if (message.text) blocks.push(section(spend(message.text, limits.section)))
  if (message.progress) blocks.push(section(progressLine(message.progress, spend)))
  const fields = message.fields ?? []
  for (let i = 0; i < fields.length && i < limits.fields * 3; i += limits.fields) {
    blocks.push({
      type: 'section',
      fields: fields.slice(i, i + limits.fields).map(({ name, value }) => ({
        type: 'mrkdwn',
        text: `*${spend(name, 100)}*\n${spend(value || '–', limits.field - 110)}`,
      })),
    })
  }
  if (message.table) blocks.push(tableBlock(message.table))
  if (message.log?.length)
    blocks.push(section(`\`\`\`${spend(message.log.join('\n').replaceAll('```', "'''").slice(-2500), 2500)}\`\`\``))
  const actions = (message.actions ?? []).filter(({ id }) => !id.startsWith('form.'))
  if (actions.length > 0) {
    blocks.push({
      type: 'actions',
      elements: actions.slice(0, 5).map(({ id, label, style }) => ({
        type: 'button',
        action_id: `${id}:${card}`,
        value: card,
        text: { type: 'plain_text', text: cut(label, limits.button) },
        ...(style === undefined ? {} : { style }),
      })),
    })
  }
  return { text: cut(escapeText(title), 300), blocks: blocks.slice(0, limits.blocks) }
}

const section = (text: string): KnownBlock => ({ type: 'section', text: { type: 'mrkdwn', text } })

function progressLine(
  progress: NonNullable<Message['progress']>,
  spend: (text: string, most: number) => string,
): string {
  const percent = Math.max(0, Math.min(100, Math.round(progress.percent ?? 0)))
  const full = Math.round(percent / 5)
  return `\`${'█'.repeat(full)}${'░'.repeat(20 - full)}\` ${percent} % · ${progress.step}/${progress.of} ${spend(progress.label ?? '', 200)}`
}

/** Slack takes one table a message, 100 rows with the header, and refuses empty cells. */
function tableBlock(table: NonNullable<Message['table']>): KnownBlock {
  const budget = { left: 9000 }
  const cell = (text: string) => {
    const kept = cut(text, Math.max(1, Math.min(limits.cell, budget.left))) || '–'
    budget.left -= kept.length
    return { type: 'raw_text' as const, text: kept }
  }
  const rows = [table.columns, ...table.rows].map((row) => row.slice(0, limits.columns))
  const kept: ReturnType<typeof cell>[][] = []
  for (const row of rows.slice(0, limits.rows)) {
    if (budget.left <= row.length) break
    kept.push(row.map(cell))
  }
  const more = rows.length - kept.length
  if (more > 0)
    kept.push(
      table.columns.slice(0, limits.columns).map((_, i) => ({ type: 'raw_text', text: i === 0 ? `… +${more}` : '–' })),
    )
  return { type: 'table', rows: kept } as KnownBlock
}

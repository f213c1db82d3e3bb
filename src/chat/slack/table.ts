import type { KnownBlock } from '@slack/types'
import type { Message } from '../../core/message.ts'
import { cut } from './text.ts'

/** 100 rows with the header, 20 columns, 10,000 characters in all cells together (docs.slack.dev, table block). */
const limits = { rows: 99, columns: 20, cell: 200, all: 9000 }

/** A table as Slack's own; what does not fit is counted in the last row. Slack refuses empty cells and uneven rows. */
export function tableBlock({ columns, rows }: NonNullable<Message['table']>): KnownBlock {
  const width = Math.min(columns.length, limits.columns)
  const even = [columns, ...rows].map((row) => Array.from({ length: width }, (_, i) => row[i] ?? ''))
  const kept: ReturnType<typeof cell>[][] = []
  let left = limits.all
  for (const row of even.slice(0, limits.rows)) {
    const cells = row.map(cell)
    const length = cells.reduce((sum, { text }) => sum + text.length, 0)
    if (length > left && kept.length > 0) break
    left -= length
    kept.push(cells)
  }
  const more = even.length - kept.length
  if (more > 0) kept.push(even[0]!.map((_, i) => cell(i === 0 ? `… +${more}` : '')))
  return { type: 'table', rows: kept } as KnownBlock
}

const cell = (text: string) => ({ type: 'raw_text' as const, text: cut(text, limits.cell) || '–' })

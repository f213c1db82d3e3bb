import stringWidth from 'string-width'
import type { Message } from '../../core/message.ts'
import { code, codeOverhead, cut, plain } from './text.ts'

const widestCell = 40
const mostColumns = 8
const rightToLeft = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/

/** One line; what is written from right to left is kept apart from its neighbours. */
function cell(text: string): string {
  const line = cut(plain(text).replace(/\s+/g, ' ').trim(), widestCell) || '–'
  return rightToLeft.test(line) ? `\u2068${line}\u2069` : line
}

const padded = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - stringWidth(text)))

/** A table in columns of one width, in a code block of at most `most` characters; the rows left out are counted. */
export function tableText(table: NonNullable<Message['table']>, most: number): string {
  const rows = [table.columns, ...table.rows].map((row) => row.slice(0, mostColumns).map(cell))
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => stringWidth(row[i] ?? ''))))
  const lines = rows.map((row) =>
    row
      .map((text, i) => padded(text, i === row.length - 1 ? 0 : (widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  const room = most - codeOverhead
  const kept: string[] = []
  let length = 0
  for (const line of lines) {
    const left = lines.length - kept.length
    // The last line may use the room that the note about the others would have taken.
    const note = left > 1 ? `\n… +${left}`.length : 0
    if (length + line.length + 1 + note > room) break
    kept.push(line)
    length += line.length + 1
  }
  const left = lines.length - kept.length
  return kept.length === 0 ? '' : code([...kept, ...(left > 0 ? [`… +${left}`] : [])].join('\n'))
}

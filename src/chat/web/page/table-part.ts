import type { VNode } from 'preact'
import type { Message } from '../../../core/message.ts'
import { html } from './html.ts'
import { usePage } from './page-context.ts'

type Table = NonNullable<Message['table']>

/** Scrolls inside itself, by keyboard too; the header stays. */
export function TablePart({ table }: { table: Table }): VNode {
  const { words } = usePage()
  const kinds = table.columns.map((_, column) => (isNumeric(table, column) ? 'number' : ''))
  const row = (cells: string[]) =>
    html`<tr>${table.columns.map((_, column) => html`<td class=${kinds[column]}>${cells[column] ?? ''}</td>`)}</tr>`
  return html`<div class="table-part">
    <div class="table" role="region" aria-label=${words.table(table.rows.length)} tabindex="0">
      <table>
        <thead><tr>${table.columns.map((name, column) => html`<th scope="col" class=${kinds[column]}>${name}</th>`)}</tr></thead>
        <tbody>${table.rows.map(row)}</tbody>
      </table>
    </div>
    ${table.rows.length > 10 && html`<p class="count">${words.rows(table.rows.length)}</p>`}
  </div>`
}

/** Numbers, with or without a unit, line up at the right. */
function isNumeric({ rows }: Table, column: number): boolean {
  const cells = rows.map((row) => row[column] ?? '').filter((cell) => cell !== '' && cell !== '-')
  return cells.length > 0 && cells.every((cell) => /^[-+]?[\d.,]+\s?(%|[KMGTP]i?B?|B|s|ms|h|d)?$/.test(cell))
}

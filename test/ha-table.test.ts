import { expect, test } from 'vitest'
import { emptyTable, type Table, TableDraft } from '../src/ha/table.ts'

const rowsOf = (table: Table<number>) => Object.fromEntries(table.pages.flatMap((page) => Object.entries(page)).sort())
const sortedOf = (rows: Map<string, number>) => Object.fromEntries([...rows].sort())

test('a table of thousands of rows changes as a map does, and the old one stays as it was', () => {
  let table: Table<number> = emptyTable
  const rows = new Map<string, number>()
  for (let round = 0; round < 12; round++) {
    const draft = new TableDraft(JSON.parse(JSON.stringify(table)) as Table<number>)
    const before = rowsOf(draft.value)
    const old = draft.value
    for (let i = 0; i < 100; i++) {
      const name = `vm:${100 + ((round * 7919 + i * 104_729) % 3000)}`
      if (i % 5 === 4) draft.delete(name)
      else draft.set(name, round * 1000 + i)
      if (i % 5 === 4) rows.delete(name)
      else rows.set(name, round * 1000 + i)
      if (draft.get(name) !== rows.get(name)) throw new Error(`${name} is ${draft.get(name)}`)
    }
    if (round % 4 === 3) {
      const isOdd = (name: string) => Number(name.slice(3)) % 2 === 1
      const gone = draft.keep(isOdd)
      expect(gone.every((name) => rows.delete(name) && !isOdd(name))).toBe(true)
    }
    expect(rowsOf(old)).toEqual(before)
    table = draft.value
    expect(draft.size).toBe(rows.size)
    expect(rowsOf(table)).toEqual(sortedOf(rows))
  }
})

test('where nothing changes it stays the very same, and a change copies few rows', () => {
  const draft = new TableDraft<number>(emptyTable)
  for (let i = 0; i < 1000; i++) draft.set(`vm:${i}`, i)
  const table = draft.value
  const next = new TableDraft(table)
  next.set('vm:7', 7)
  next.delete('vm:none')
  expect(next.get('constructor')).toBeUndefined()
  expect(next.value).toBe(table)
  next.set('vm:7', 8)
  const changed = next.value.pages.filter((page, i) => page !== table.pages[i])
  expect(changed).toHaveLength(1)
  expect(Object.keys(changed[0]!).length).toBeLessThan(64)
})

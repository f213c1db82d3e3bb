import { type Row, same } from './draft.ts'

/** Rows by name, some on each page: a change copies its page, not ten thousand rows. Plain JSON. */
export interface Table<T> {
  readonly size: number
  readonly pages: readonly Readonly<Record<string, T>>[]
}

export const emptyTable: Table<never> = { size: 0, pages: [{}] }

/** Of a page, on average; more of them make twice as many pages. */
const mostOnPage = 16

/** Changes to a table that leave the old one as it was; where nothing changes, it stays the very same. */
export class TableDraft<T extends Row> {
  readonly #old: Table<T>
  #size: number
  #pages: readonly Readonly<Record<string, T>>[]

  constructor(old: Table<T>) {
    this.#old = old
    this.#size = old.size
    this.#pages = old.pages
  }

  get value(): Table<T> {
    return this.#pages === this.#old.pages ? this.#old : { size: this.#size, pages: this.#pages }
  }

  get size(): number {
    return this.#size
  }

  get(name: string): T | undefined {
    const page = this.#pages[placeOf(name, this.#pages.length)]!
    return Object.hasOwn(page, name) ? page[name] : undefined
  }

  set(name: string, row: T): void {
    const was = this.get(name)
    if (was !== undefined && same(was, row)) return
    if (was === undefined) this.#more()
    this.#own(name)[name] = row
  }

  delete(name: string): void {
    if (this.get(name) === undefined) return
    delete this.#own(name)[name]
    this.#size -= 1
  }

  /** Lets go of the rows whose name is not wanted, and tells which. */
  keep(wanted: (name: string) => boolean): string[] {
    const gone = this.#pages.flatMap((page) => Object.keys(page).filter((name) => !wanted(name)))
    for (const name of gone) this.delete(name)
    return gone
  }

  #own(name: string): Record<string, T> {
    if (this.#pages === this.#old.pages) this.#pages = [...this.#pages]
    const pages = this.#pages as Record<string, T>[]
    const place = placeOf(name, pages.length)
    if (pages[place] === this.#old.pages[place]) pages[place] = { ...pages[place] }
    return pages[place]!
  }

  #more(): void {
    this.#size += 1
    const before = this.#pages
    if (this.#size <= before.length * mostOnPage) return
    const pages: Record<string, T>[] = Array.from({ length: before.length * 2 }, () => ({}))
    for (const page of before) for (const name in page) pages[placeOf(name, pages.length)]![name] = page[name]!
    this.#pages = pages
  }
}

/** The same for the same name, whoever asks. */
function placeOf(name: string, pages: number): number {
  let sum = 0
  for (let i = 0; i < name.length; i++) sum = (sum * 31 + name.charCodeAt(i)) | 0
  return sum & (pages - 1)
}

type Row = object | string | number | boolean

/** Changes to a record that leave the old one as it was; where nothing changes, it stays the very same. */
export class Draft<T extends Row> {
  readonly #old: Readonly<Record<string, T>>
  #new: Record<string, T> | undefined

  constructor(old: Readonly<Record<string, T>>) {
    this.#old = old
  }

  get value(): Readonly<Record<string, T>> {
    return this.#new ?? this.#old
  }

  get(name: string): T | undefined {
    return Object.hasOwn(this.value, name) ? this.value[name] : undefined
  }

  set(name: string, row: T): void {
    const was = this.get(name)
    if (was !== undefined && same(was, row)) return
    this.#new ??= { ...this.#old }
    this.#new[name] = row
  }

  /** Lets go of the rows whose name is not wanted. */
  keep(wanted: (name: string) => boolean): void {
    for (const name of Object.keys(this.value)) {
      if (wanted(name)) continue
      this.#new ??= { ...this.#old }
      delete this.#new[name]
    }
  }
}

function same(a: Row, b: Row): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  const left = Object.entries(a).filter(([, value]) => value !== undefined)
  const right = new Map(Object.entries(b).filter(([, value]) => value !== undefined))
  return left.length === right.size && left.every(([name, value]) => equal(value, right.get(name)))
}

/** Rows hold plain values and, seldom, a small object. */
const equal = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === 'object' && a !== null && JSON.stringify(a) === JSON.stringify(b))

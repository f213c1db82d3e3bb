import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import type { Fault, Path } from './faults.ts'
import { pathText } from './faults.ts'
import { syntaxWords } from './syntax.ts'

/** A configuration file as written: its values with `${…}` untouched, and where each of them stands. */
export interface Source {
  data: unknown
  /** Position of a value, or of the nearest thing around it that exists. */
  at(path: Path): { line: number; column: number }
  /** Position of a key. */
  atKey(path: Path): { line: number; column: number }
  /** A scalar as it was written, without quotes; undefined for anything else. */
  written(path: Path): string | undefined
}

const deepest = 100
const mostNodes = 20_000

/**
 * Reads YAML 1.2 (and so JSON). A key without a value counts as left out. `${…}` may stand without quotes even inside
 * `{ }`, where YAML alone would read a map.
 */
export function readSource(text: string): { source?: Source; faults: Fault[] } {
  const lines = new LineCounter()
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }
  if (tooDeep(text)) return { faults: [{ line: 1, column: 1, path: '', ...syntaxWords('RESOURCE_EXHAUSTION') }] }
  const doc = parseDocument(mask(text), { lineCounter: lines, prettyErrors: false })
  const syntax = [...doc.errors, ...doc.warnings].map(({ code, pos }) => ({
    ...position(pos[0]),
    path: '',
    ...syntaxWords(code),
  }))
  if (syntax.length > 0) return { faults: firstOfEachLine(syntax) }

  const reader = new Reader(doc)
  const data = reader.read(doc.contents, [])
  const faults = reader.refused.map(({ offset, path, says, hint }) => ({
    ...position(offset),
    path: pathText(path),
    says,
    hint,
  }))
  const nearest = (path: Path, where: Map<string, number>): number => {
    const own = where.get(JSON.stringify(path)) ?? reader.values.get(JSON.stringify(path))
    return own ?? (path.length === 0 ? 0 : nearest(path.slice(0, -1), reader.values))
  }
  const source: Source = {
    data,
    at: (path) => position(nearest(path, reader.values)),
    atKey: (path) => position(nearest(path, reader.keys)),
    written: (path) => reader.texts.get(JSON.stringify(path)),
  }
  return { source, faults }
}

/** One broken quote makes the parser stumble many times on a line; the first stumble is the one to read. */
function firstOfEachLine(faults: Fault[]): Fault[] {
  const ordered = faults.toSorted((a, b) => a.line - b.line || a.column - b.column)
  return ordered.filter((fault, i) => fault.line !== ordered[i - 1]?.line)
}

/** The parser recurses; thousands of open brackets would end the process rather than the parse. */
function tooDeep(text: string): boolean {
  let depth = 0
  for (const char of text) {
    if (char === '[' || char === '{') depth++
    else if ((char === ']' || char === '}') && depth > 0) depth--
    if (depth > deepest) return true
  }
  return /(?:[-?:][ \t]+){100}|^[ ]{400}/m.test(text)
}

const privateUse = 0xe000

/** Hides `${…}` from YAML behind private-use characters, one for one, so that every column stays where it was. */
const mask = (text: string): string =>
  text.replace(/\$\{[^}"\n]*\}/g, (reference) =>
    reference.replace(/[\x20-\x7e]/g, (char) => String.fromCharCode(privateUse + char.charCodeAt(0))),
  )

const unmask = (text: string): string =>
  text.replace(/[\ue020-\ue07e]/g, (char) => String.fromCharCode(char.charCodeAt(0) - privateUse))

interface Refused {
  offset: number
  path: Path
  says: string
  hint: string
}

/** Turns YAML nodes into plain values, noting where each stands. */
class Reader {
  readonly values = new Map<string, number>()
  readonly keys = new Map<string, number>()
  readonly texts = new Map<string, string>()
  readonly refused: Refused[] = []
  readonly #doc: Document
  readonly #open = new Set<Node>()
  #nodes = 0

  constructor(doc: Document) {
    this.#doc = doc
  }

  read(node: unknown, path: Path, aliasOffset?: number): unknown {
    if (isAlias(node)) return this.#readAlias(node, path, node.range?.[0] ?? 0)
    const offset = aliasOffset ?? (node as Node | null)?.range?.[0] ?? 0
    this.values.set(JSON.stringify(path), offset)
    if (++this.#nodes > mostNodes) return this.#refuse(offset, path, 'is too large', 'Write less, or fewer aliases.')
    if (isScalar(node)) return this.#readScalar(node.value, node.source, path)
    if (isSeq(node)) return node.items.map((item, i) => this.read(item, [...path, i], aliasOffset))
    if (isMap(node)) return this.#readMap(node.items, path, aliasOffset)
    return undefined
  }

  #readAlias(alias: Node & { resolve(doc: Document): Node | undefined }, path: Path, offset: number): unknown {
    const target = alias.resolve(this.#doc)
    if (!target) return this.#refuse(offset, path, 'is an alias of nothing', 'Quote text that begins with *: "*text".')
    if (this.#open.has(target)) return this.#refuse(offset, path, 'contains itself', 'Remove the alias.')
    this.#open.add(target)
    const value = this.read(target, path, offset)
    this.#open.delete(target)
    return value
  }

  #readScalar(value: unknown, source: string | undefined, path: Path): unknown {
    const written = unmask(source ?? String(value))
    this.texts.set(JSON.stringify(path), written)
    if (typeof value === 'string') return unmask(value)
    // Leading zeros of a password, all digits of a Discord id: a number that would print otherwise stays text.
    return value === null || String(value) === written ? value : written
  }

  #readMap(pairs: Pair[], path: Path, aliasOffset: number | undefined): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    for (const { key, value } of pairs) {
      const offset = aliasOffset ?? (key as Node | null)?.range?.[0] ?? 0
      const name = isScalar(key) ? unmask(String(key.value ?? '')) : undefined
      if (name === undefined || name === '__proto__') {
        this.#refuse(
          offset,
          path,
          'has a key that is not a plain word',
          'Use the keys that examples/quorum.yaml shows.',
        )
        continue
      }
      this.keys.set(JSON.stringify([...path, name]), offset)
      const read = this.read(value, [...path, name], aliasOffset)
      if (read !== null && read !== undefined) map[name] = read
    }
    return map
  }

  #refuse(offset: number, path: Path, says: string, hint: string): undefined {
    this.refused.push({ offset, path, says, hint })
    return undefined
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseSync, Visitor } from 'oxc-parser'
import type { z } from 'zod'
import { describeArg } from '../src/core/args.ts'
import type { Catalogue, Entry } from '../src/core/catalogue.ts'
import { Refused } from '../src/core/errors.ts'
import { sort, type Token, tokenize } from '../src/core/parse.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export interface Text {
  /** From the root, with the line. */
  at: string
  /** What a program fills in stands as `{}`. */
  text: string
  /** It is the next step of a refusal. */
  isHint: boolean
}

/** Where our own words are; the simulator's are Proxmox's. */
const places = /^(?:src(?!\/lab\/)|commands|workers)\/.*\.ts$/

/** Every text that our code holds, in both languages: literals, and templates with `{}` in their places. */
export function textsOfCode(): Text[] {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile() && !/\/(?:node_modules|dist|\.git)(?:\/|$)/.test(`${file.parentPath}/`))
    .map((file) => `${file.parentPath}/${file.name}`.replaceAll('\\', '/').slice(root.length))
    .filter((path) => places.test(path))
  return files.flatMap((path) => textsIn(path, readFileSync(root + path, 'utf8')))
}

function textsIn(path: string, source: string): Text[] {
  const { program } = parseSync(path, source)
  const found: Text[] = []
  const hints = new Set<number>()
  const examples = new Set<number>()
  const put = (start: number, text: string) => {
    if (examples.has(start)) return
    const line = source.slice(0, start).split('\n').length
    found.push({ at: `${path}:${line}`, text, isHint: hints.has(start) })
  }
  new Visitor({
    Property({ key, value }) {
      const name = key.type === 'Identifier' ? key.name : ''
      if (name === 'hint') hints.add(value.start)
      // An example is run as a test of its own.
      if (name === 'say') examples.add(value.start)
    },
    Literal(node) {
      if (typeof node.value === 'string') put(node.start, node.value)
    },
    TemplateLiteral({ start, quasis }) {
      put(start, quasis.map(({ value }) => value.cooked ?? '').join('{}'))
    },
  }).visit(program)
  return found
}

/** What stands in backticks in a page, and the lines of its blocks. */
export function textsOfPage(path: string): Text[] {
  const lines = readFileSync(root + path, 'utf8').split('\n')
  let inBlock = false
  return lines.flatMap((line, i) => {
    if (line.startsWith('```')) inBlock = !inBlock
    const at = `${path}:${i + 1}`
    if (inBlock) return /^\/pve /.test(line) ? [{ at, text: `\`${line}\``, isHint: false }] : []
    return [...line.matchAll(/`[^`]+`/g)].map(([text]) => ({ at, text, isHint: false }))
  })
}

/** A command line that a text holds; `whole`: nothing else stands in it, so that it can be pasted. */
interface Suggested {
  line: string
  whole: boolean
}

/** Where a line ends that stands in a sentence: at the remark behind it, or at the sentence's own marks. */
const endOfLine = /\s{2,}|\s#|[,;.)»](?:\s|$)|\s[—–→]|\s(?:&&|\|\|?)\s|\n|$/

export function linesIn({ text, isHint }: Pick<Text, 'text' | 'isHint'>, catalogue: Catalogue): Suggested[] {
  const groups = [...catalogue.groups.keys()].join('|')
  const alone = catalogue.entries.filter(({ path }) => !path.includes(' ')).map(({ path }) => path)
  const found: Suggested[] = []
  for (const [, typed] of text.matchAll(/`(?:\/pve )?([^`]+)`/g)) {
    if (new RegExp(`^(?:(?:${groups})(?: |$)|(?:${alone.join('|')})(?: [^\\s]|$))`).test(typed!)) {
      found.push({ line: typed!.split(/\s{2,}|\s#/)[0]!.trim(), whole: true })
    }
  }
  const rest = text.replace(/`[^`]*`/g, '…')
  const inText = new RegExp(`(^|[:;.,(] ?|\\/pve |[^\\p{L}\\w./:{-])((?:${groups}) [\\p{L}{][^\\n]*)`, 'gu')
  for (let from = 0; from < rest.length; ) {
    inText.lastIndex = from
    const match = inText.exec(rest)
    if (!match) break
    const [, before, tail] = match
    const start = match.index + before!.length
    const line = tail!.slice(0, tail!.search(endOfLine)).trim()
    const isFirst = start === 0
    const isSaid = /: ?$|\/pve $/.test(before!) || (isFirst && isHint)
    const known = catalogue.find(words(line))
    if (isSaid || (known && 'entry' in known)) found.push({ line, whole: isSaid })
    from = start + tail!.split(' ')[0]!.length
  }
  if (isHint && new RegExp(`^(?:${alone.join('|')})(?: |$)`).test(rest) && !/[.!]$/.test(rest)) {
    found.push({ line: rest.slice(0, rest.search(endOfLine)).trim(), whole: true })
  }
  return found
}

const words = (line: string): Token[] => line.split(/\s+/).map((text) => ({ text, quoted: false }))

/** What a person puts there: a place to fill, or a word in capitals. */
const isOpen = (value: string) => value.includes('{') || /^[^a-záéíóúñ]*\p{Lu}[^a-záéíóúñ]*$/u.test(value)

/** What the program itself takes in a shell: `quorum doctor`. The chat has a command of that name, without words behind it. */
const program = /^const usage = `quorum (.+)$/m.exec(readFileSync(`${root}src/cli.ts`, 'utf8'))![1]!
const shell = new Set(program.split(' | ').map((part) => part.split(' ')[0]!.split('|')[0]!))

/** Why a line could not be typed; undefined where it can. */
export function faultOf({ line, whole }: Suggested, catalogue: Catalogue): string | undefined {
  const tokens = tokenize(line)
  const [first, second] = tokens
  if (first?.text === 'quorum' && second && shell.has(second.text)) return undefined
  const found = catalogue.find(tokens)
  if (!found) return 'is empty'
  if ('unknown' in found) {
    if (tokens[1]?.text.includes('{') || tokens.length === 1) return undefined
    return `there is no command ${found.unknown}`
  }
  return whole ? faultOfWhole(found) : faultOfNamed(found)
}

function faultOfWhole({ entry, rest }: { entry: Entry; rest: readonly Token[] }): string | undefined {
  try {
    return faultOfValues(entry, sort(rest, entry.command).values)
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    // A place that stands for arguments with their names.
    if (error.code === 'left-over' && String(error.values.given).startsWith('{')) return undefined
    return `${entry.path}: ${error.code} ${JSON.stringify(error.values)}`
  }
}

/** In a sentence, words follow that are not typed; what is named must be an argument. */
function faultOfNamed({ entry, rest }: { entry: Entry; rest: readonly Token[] }): string | undefined {
  const named = rest.map(({ text }) => /^([a-z]+):(.+)$/.exec(text)).filter((match) => match !== null)
  const shape = entry.command.args.shape
  const odd = named.find(([, name]) => !(name! in shape) && name !== 'cluster' && name !== 'vm' && name !== 'ct')
  if (odd) return `${entry.path}: no argument ${odd[1]}`
  return faultOfValues(entry, Object.fromEntries(named.map(([, name, value]) => [name!, value!])))
}

const closed = new Set(['choice', 'boolean', 'integer', 'vmid', 'size', 'disk', 'name'])

function faultOfValues({ path, command }: Entry, values: Record<string, string>): string | undefined {
  for (const [name, value] of Object.entries(values)) {
    const schema = command.args.shape[name] as z.ZodType | undefined
    if (!schema || isOpen(value) || !closed.has(describeArg(schema).kind)) continue
    if (!schema.safeParse(value).success) return `${path}: ${name} does not take ${value}`
  }
  return undefined
}

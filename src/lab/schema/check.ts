/** The order and the words in which Proxmox VE checks parameters against its schema. */
import type { Keys, ParamFacts } from './facts.ts'
import { formatComplaint } from './formats.ts'
import { parsePropertyString } from './property-string.ts'

/** Proxmox's sentences by parameter. A second one about the same parameter is joined with a backslash and an n. */
export type Complaints = Map<string, string>

interface Scope {
  /** `net0.` within the property string net0, empty at the top. */
  readonly prefix: string
  /** Whether unknown names are let through. */
  readonly open: boolean
  readonly complaints: Complaints
}

const UNKNOWN = 'property is not defined in schema and the schema does not allow additional properties'
const MISSING = 'property is missing and it is not optional'
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/

/** Checks all names at once: Proxmox lists every fault of a call, one a parameter. */
export function checkKeys(keys: Keys, given: Readonly<Record<string, unknown>>, scope: Scope) {
  for (const [name, facts] of Object.entries(keys)) {
    if (!isGiven(given, name) && facts.lastIndex === undefined) checkAbsent(name, facts, given, scope)
  }
  for (const name of Object.keys(given)) checkPresent(name, findFacts(keys, name), given, scope)
}

/** The facts of a name, `scsi3` being `scsi[n]`; undefined for one that the schema does not know. */
export function findFacts(keys: Keys, name: string): ParamFacts | undefined {
  if (Object.hasOwn(keys, name)) return keys[name]
  const [, stem, index] = /^(.*?)(0|[1-9]\d*)$/.exec(name) ?? []
  const template = `${stem}[n]`
  const facts = Object.hasOwn(keys, template) ? keys[template] : undefined
  return facts && Number(index) <= (facts.lastIndex ?? 0) ? facts : undefined
}

/** The facts of a name that hold together with the other parameters: those of a rule depend on its type. */
export function factsAmong(keys: Keys, name: string, given: Readonly<Record<string, unknown>>): ParamFacts | undefined {
  const facts = findFacts(keys, name)
  return facts?.variants ? variantFor(name, facts, given)?.facts : facts
}

/** What a value is as text. JSON's booleans are 1 and 0 to Perl. */
export function asText(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  if (typeof value === 'boolean') return value ? '1' : '0'
  return String(value ?? '')
}

/** The facts that hold with the given type, and the odd name under which Proxmox complains about them. */
function variantFor(name: string, { typeProperty, variants }: ParamFacts, given: Readonly<Record<string, unknown>>) {
  const type = typeProperty === undefined || !isGiven(given, typeProperty) ? undefined : asText(given[typeProperty])
  if (type === undefined || !variants || !Object.hasOwn(variants, type)) return undefined
  const facts = variants[type]
  return facts && { facts, name: `oneOf[${type}].${name}` }
}

const isGiven = (given: Readonly<Record<string, unknown>>, name: string) =>
  Object.hasOwn(given, name) && given[name] !== undefined && given[name] !== null

function checkAbsent(name: string, facts: ParamFacts, given: Readonly<Record<string, unknown>>, scope: Scope) {
  const due = facts.variants ? variantFor(name, facts, given) : { facts, name }
  if (due && !due.facts.optional && due.facts.alias === undefined) complain(scope, due.name, MISSING)
}

function checkPresent(
  name: string,
  facts: ParamFacts | undefined,
  given: Readonly<Record<string, unknown>>,
  scope: Scope,
) {
  const due = facts?.variants ? variantFor(name, facts, given) : facts && { facts, name }
  if (!due) {
    if (!scope.open) complain(scope, name, UNKNOWN)
    return
  }
  if (isGiven(given, name)) checkValue(scope.prefix + due.name, due.facts, given[name], scope.complaints)
  const { requires } = due.facts
  if (requires !== undefined && !isGiven(given, requires)) {
    complain(scope, requires, `missing property - '${scope.prefix}${name}' requires this property`)
  }
}

function complain({ prefix, complaints }: Scope, name: string, sentence: string) {
  add(complaints, prefix + name, sentence)
}

function add(complaints: Complaints, path: string, sentence: string) {
  const earlier = complaints.get(path)
  complaints.set(path, earlier === undefined ? sentence : `${earlier}\\n${sentence}`)
}

function checkValue(path: string, facts: ParamFacts, value: unknown, complaints: Complaints) {
  const wrongType = typeComplaint(facts.type, value)
  if (wrongType !== undefined) return add(complaints, path, wrongType)
  if (Array.isArray(value)) {
    const { items } = facts
    if (!items) return
    for (const [index, item] of value.entries()) checkValue(`${path}[${index}]`, items, item, complaints)
    return
  }
  if (typeof value === 'object' || typeof value === 'boolean') return
  const text = String(value)
  const complaint = wordingComplaint(path, facts, text) ?? rangeComplaint(facts, text) ?? enumComplaint(facts, text)
  if (complaint !== undefined) add(complaints, path, complaint)
}

function typeComplaint(type: ParamFacts['type'], value: unknown): string | undefined {
  if (type === undefined) return undefined
  if (type === 'array') return Array.isArray(value) ? undefined : `type check ('array') failed`
  const kind = perlKind(value)
  if (type === 'object') return kind === 'HASH' ? undefined : `type check ('object') failed`
  if (kind !== undefined) {
    return type === 'boolean' && typeof value === 'boolean' ? undefined : `type check ('${type}') failed - got ${kind}`
  }
  const text = String(value)
  const fits = { string: /(?:)/, boolean: /^[01]$/, integer: INTEGER, number: NUMBER }[type].test(text)
  return fits ? undefined : `type check ('${type}') failed - got '${text}'`
}

/** What Perl calls a JSON value that is not a plain text or number. */
function perlKind(value: unknown): string | undefined {
  if (Array.isArray(value)) return 'ARRAY'
  if (typeof value === 'boolean') return 'JSON::PP::Boolean'
  return typeof value === 'object' && value !== null ? 'HASH' : undefined
}

function wordingComplaint(path: string, facts: ParamFacts, text: string): string | undefined {
  const { format, pattern, minLength, maxLength } = facts
  const misfit =
    typeof format === 'object' ? keysComplaint(path, format, text) : format && formatComplaint(format, text)
  if (misfit) return `invalid format - ${misfit}`
  if (pattern && !pattern.test(text)) return 'value does not match the regex pattern'
  const length = [...text].length
  if (maxLength !== undefined && length > maxLength) return `value may only be ${maxLength} characters long`
  if (minLength !== undefined && length < minLength) return `value must be at least ${minLength} characters long`
  return undefined
}

function rangeComplaint({ minimum, maximum }: ParamFacts, text: string): string | undefined {
  if (!NUMBER.test(text)) return undefined
  if (maximum !== undefined && Number(text) > maximum) return `value must have a maximum value of ${maximum}`
  if (minimum !== undefined && Number(text) < minimum) return `value must have a minimum value of ${minimum}`
  return undefined
}

function enumComplaint({ enum: words }: ParamFacts, text: string): string | undefined {
  if (!words || words.includes(text)) return undefined
  return `value '${text}' does not have a value in the enumeration '${words.join(', ')}'`
}

/** A property string's own faults, one a line, each under the parameter's name and the key. */
function keysComplaint(path: string, keys: Keys, text: string): string | undefined {
  const parsed = parsePropertyString(keys, text)
  if (parsed.complaint !== undefined) return parsed.complaint
  const complaints: Complaints = new Map()
  checkKeys(keys, Object.fromEntries(parsed.values), { prefix: `${path}.`, open: false, complaints })
  if (complaints.size === 0) return undefined
  const lines = [...complaints].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, sentence]) => `${key}: ${sentence}\n`)
  return `format error\n${lines.join('')}`
}

/** Finds the endpoint of a request and checks its parameters as Proxmox VE does, with its words. */
import { asText, type Complaints, checkKeys, factsAmong, findFacts } from './check.ts'
import type { EndpointFacts, Keys, ParamFacts, PathNode, PveSchema } from './facts.ts'

/** How the parameters came: a form or query string knows only texts (`none` is a query string alone). */
export type Encoding = 'form' | 'json' | 'none'

export type VerifiedParams = Record<string, string | number | string[]>

export type Verification =
  | { readonly ok: true; readonly params: VerifiedParams }
  | { readonly ok: false; readonly errors: Record<string, string> }

export type FoundEndpoint =
  | { readonly facts: EndpointFacts; readonly template: string; readonly pathParams: Record<string, string> }
  | { readonly facts?: undefined; readonly knownPath: boolean }

type Given = Readonly<Record<string, unknown>>

/**
 * Finds who answers `path`: the part after /api2/json, without query string, percent-encoded or not. Empty segments
 * count for nothing, so `//nodes/` is `/nodes`. Decoding comes before splitting, as in pveproxy.
 */
export function findEndpoint(schema: PveSchema, method: string, path: string): FoundEndpoint {
  const pathParams: Record<string, string> = {}
  let node: PathNode | undefined = schema.root
  const segments = decode(path)
    .split('/')
    .filter((segment) => segment !== '')
  while (node && segments.length > 0) node = walk(node, segments, pathParams)
  const template = node?.template
  if (template === undefined) return { knownPath: false }
  const methods = schema.endpoints[template] ?? {}
  const facts = Object.hasOwn(methods, method) ? methods[method] : undefined
  return facts ? { facts, template, pathParams } : { knownPath: true }
}

/** Takes one segment off (all, for a volume name); a literal wins over a parameter. */
function walk(node: PathNode, segments: string[], pathParams: Record<string, string>): PathNode | undefined {
  const segment = segments.shift() ?? ''
  const literal = node.literals.get(segment)
  if (literal || !node.param) return literal
  pathParams[node.param.name] = node.param.rest ? [segment, ...segments.splice(0)].join('/') : segment
  return node.param.node
}

function decode(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

/**
 * Joins the path's parameters with those of the query and body. Proxmox looks at this before it checks permissions and
 * before it verifies anything else: a path parameter repeated with another value is refused alone.
 */
export function mergeParams(
  pathParams: Readonly<Record<string, string>>,
  given: Given,
): { readonly ok: true; readonly given: Record<string, unknown> } | Extract<Verification, { ok: false }> {
  for (const [name, value] of Object.entries(pathParams)) {
    const other = Object.hasOwn(given, name) ? given[name] : undefined
    if (other !== undefined && other !== null && asText(other) !== value) {
      return { ok: false, errors: { [name]: 'duplicate parameter (already defined in URI) with conflicting values!' } }
    }
  }
  return { ok: true, given: { ...given, ...pathParams } }
}

/**
 * Checks all the parameters of a call (path, query and body together) and never throws. `errors` is what Proxmox puts
 * beside `Parameter verification failed.`. `params` has booleans as 0 and 1, integers and numbers as numbers where
 * they fit, lists where the schema says array, all else as text; defaults are not filled in.
 */
export function verifyParams(facts: EndpointFacts, given: Given, encoding: Encoding): Verification {
  const settled = settle(facts.params, given, encoding)
  const complaints: Complaints = new Map()
  checkKeys(facts.params, settled, { prefix: '', open: facts.additionalProperties, complaints })
  if (complaints.size > 0) return { ok: false, errors: Object.fromEntries(complaints) }
  const params = Object.entries(settled)
    .filter(([, value]) => value !== undefined && value !== null)
    .map(([name, value]) => [name, normalise(factsAmong(facts.params, name, settled), value)])
  return { ok: true, params: Object.fromEntries(params) }
}

/** Forms know texts only; a single value stands for an array, and an array for a list in one text, in JSON too. */
function settle(keys: Keys, given: Given, encoding: Encoding): Record<string, unknown> {
  const entries = Object.entries(given).map(([name, value]) => {
    const plain = encoding === 'json' ? value : asForm(value)
    const facts = findFacts(keys, name)
    if (Array.isArray(plain) && typeof facts?.format === 'string' && facts.format.endsWith('-list')) {
      return [name, plain.map(asText).join(',')]
    }
    const alone = facts?.type === 'array' && plain !== undefined && plain !== null && !Array.isArray(plain)
    return [name, alone ? [plain] : plain]
  })
  return Object.fromEntries(entries)
}

function asForm(value: unknown): unknown {
  if (value === undefined || value === null) return undefined
  if (Array.isArray(value)) return value.map(asText)
  return typeof value === 'boolean' ? String(value) : asText(value)
}

function normalise(facts: ParamFacts | undefined, value: unknown): string | number | string[] {
  if (Array.isArray(value)) return value.map(asText)
  const text = asText(value)
  if (facts?.type === 'boolean') return text === '1' ? 1 : 0
  if (facts?.type !== 'integer' && facts?.type !== 'number') return text
  const number = Number(text)
  return Number.isFinite(number) && (facts.type === 'number' || Number.isSafeInteger(number)) ? number : text
}

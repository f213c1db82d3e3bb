/** Reads the compact tables pve-*.json: facts about the API of three Proxmox VE releases, without any of their prose. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EndpointFacts, Keys, ParamFacts, ParamType, PathNode, Permissions, PveSchema } from './facts.ts'

export type SchemaVersion = '7.2' | '8.4' | '9.2'

/** A parameter as the table writes it: with `keys` it is a property string of that format. */
interface Row {
  type?: ParamType
  optional?: 1
  enum?: string[]
  format?: string
  keys?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  default?: string | number
  requires?: string
  items?: Row
  last?: number
  typeProperty?: string
  variants?: Record<string, Row>
  defaultKey?: 1
  alias?: string
  keyAlias?: string
}

/** A name in `types`, or the parameter itself; a key that ends in `?` is optional. */
type Rows = Record<string, string | Row>

interface EndpointRow extends Permissions {
  params?: Rows
  open?: 1
  token?: 0
  protected?: 1
  proxyto?: string
}

interface Table {
  version: string
  types: Record<string, Row>
  formats: Record<string, Rows>
  endpoints: Record<string, EndpointRow>
}

/** Volume names and networks hold slashes, so these two take the rest of the path. */
const REST_PARAMS = new Set(['volume', 'cidr'])

/** The table is not compiled: from src/ and from dist/ alike it is found under the folder that holds package.json. */
export function loadSchema(version: SchemaVersion): PveSchema {
  const file = join(packageRoot(), 'src', 'lab', 'schema', `pve-${version}.json`)
  return expand(JSON.parse(readFileSync(file, 'utf8')))
}

function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder)
    if (above === folder) throw new Error(`no package.json above ${import.meta.url}`)
    folder = above
  }
  return folder
}

function expand(table: Table): PveSchema {
  const resolve = resolver(table)
  const endpoints: Record<string, Record<string, EndpointFacts>> = {}
  const root: PathNode = { literals: new Map() }
  for (const [key, row] of Object.entries(table.endpoints)) {
    const [method = '', template = ''] = key.split(' ')
    endpoints[template] ??= {}
    endpoints[template][method] = endpointFacts(row, resolve(row.params ?? {}))
    plant(root, template)
  }
  return { version: table.version, endpoints, root }
}

function endpointFacts(
  { check, user, open, token, protected: asRoot, proxyto }: EndpointRow,
  params: Keys,
): EndpointFacts {
  return {
    params,
    additionalProperties: open === 1,
    allowToken: token !== 0,
    protected: asRoot === 1,
    ...(check || user ? { permissions: { ...(check && { check }), ...(user && { user }) } } : {}),
    ...(proxyto !== undefined && { proxyTo: proxyto }),
  }
}

/** Property strings are worked out once, however many parameters share them. */
function resolver({ types, formats }: Table) {
  const known = new Map<string, Keys>()
  const formatKeys = (name: string): Keys => {
    const keys = known.get(name) ?? resolve(formats[name] ?? {})
    known.set(name, keys)
    return keys
  }
  const facts = (row: Row, optional: boolean): ParamFacts => {
    const { optional: _, keys, format, pattern, items, last, variants, defaultKey, ...same } = row
    const named = keys ?? (format !== undefined && format in formats ? format : undefined)
    return {
      ...same,
      ...(optional && { optional }),
      ...(named !== undefined ? { format: formatKeys(named) } : format !== undefined && { format }),
      // As Perl's /^PATTERN$/ has it: a final newline is let through.
      ...(pattern !== undefined && { pattern: new RegExp(`^${pattern}\\n?$`) }),
      ...(items && { items: facts(items, false) }),
      ...(last !== undefined && { lastIndex: last }),
      ...(variants && { variants: mapValues(variants, (variant) => facts(variant, variant.optional === 1)) }),
      ...(defaultKey && { defaultKey: true }),
    }
  }
  const resolve = (rows: Rows): Keys =>
    Object.fromEntries(
      Object.entries(rows).map(([key, value]) => {
        const row = typeof value === 'string' ? types[value] : value
        if (!row) throw new Error(`the schema table has no type ${String(value)}`)
        const optional = key.endsWith('?')
        return [optional ? key.slice(0, -1) : key, facts(row, optional)]
      }),
    )
  return resolve
}

const mapValues = <T, U>(record: Record<string, T>, change: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))

function plant(root: PathNode, template: string) {
  let node = root
  for (const part of template.split('/').filter((segment) => segment !== '')) {
    const name = /^\{(.+)\}$/.exec(part)?.[1]
    node = name === undefined ? literalBranch(node, part) : paramBranch(node, name)
  }
  node.template = template
}

function literalBranch(node: PathNode, part: string): PathNode {
  const next = node.literals.get(part) ?? { literals: new Map() }
  node.literals.set(part, next)
  return next
}

function paramBranch(node: PathNode, name: string): PathNode {
  node.param ??= { name, node: { literals: new Map() }, rest: REST_PARAMS.has(name) }
  if (node.param.name !== name) throw new Error(`the schema table calls one place {${node.param.name}} and {${name}}`)
  return node.param.node
}

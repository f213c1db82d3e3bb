import { posix } from 'node:path'
import { type Program, parseSync, Visitor } from 'oxc-parser'

export interface Import {
  /** As written. */
  readonly specifier: string
  /** Path from the root for our own files, `node:fs` for Node's modules, else the package's name without a subpath. */
  readonly to: string
  readonly kind: 'own' | 'node' | 'package'
  /** Erased by the compiler: `import type`, `export type … from`, `import('…').Type`. */
  readonly typeOnly: boolean
  /** `import()` or `require()`: runs later, if ever. */
  readonly lazy: boolean
}

export interface Module {
  /** From the root, with slashes. */
  readonly path: string
  readonly imports: readonly Import[]
  readonly readsEnvironment: boolean
  readonly exportsDefault: boolean
}

/** What one file imports and gives, read from its syntax tree; throws when it does not parse. */
export function parseModule(path: string, source: string): Module {
  const { program, module, errors } = parseSync(path, source)
  if (errors[0]) throw new Error(`${path} does not parse: ${errors[0].message}`)
  const exportNames = module.staticExports.flatMap(({ entries }) => entries.map(({ exportName }) => exportName))
  return {
    path,
    imports: importsOf(program).map((found) => ({ ...found, ...target(path, found.specifier) })),
    readsEnvironment: readsEnvironment(program),
    exportsDefault: exportNames.some(({ kind, name }) => String(kind) === 'Default' || name === 'default'),
  }
}

type Found = Pick<Import, 'specifier' | 'typeOnly' | 'lazy'>

function importsOf(program: Program): Found[] {
  const found: Found[] = []
  const add = (source: unknown, options: { typeOnly?: boolean; lazy?: boolean } = {}) => {
    const { typeOnly = false, lazy = false } = options
    if (isLiteral(source)) found.push({ specifier: source.value, typeOnly, lazy })
  }
  new Visitor({
    ImportDeclaration: (node) => add(node.source, { typeOnly: node.importKind === 'type' }),
    ExportNamedDeclaration: (node) => add(node.source, { typeOnly: node.exportKind === 'type' }),
    ExportAllDeclaration: (node) => add(node.source, { typeOnly: node.exportKind === 'type' }),
    TSImportType: (node) => add(node.source, { typeOnly: true }),
    ImportExpression: (node) => add(node.source, { lazy: true }),
    CallExpression: (node) => {
      if (node.callee.type === 'Identifier' && node.callee.name === 'require') add(node.arguments[0], { lazy: true })
    },
  }).visit(program)
  return found
}

const isLiteral = (node: unknown): node is { value: string } =>
  typeof node === 'object' && node !== null && 'value' in node && typeof node.value === 'string'

function target(from: string, specifier: string): Pick<Import, 'to' | 'kind'> {
  if (specifier.startsWith('.')) return { kind: 'own', to: posix.join(posix.dirname(from), specifier) }
  if (specifier.startsWith('node:')) return { kind: 'node', to: specifier }
  return { kind: 'package', to: specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/') }
}

/** `process.env` in each of its spellings. */
function readsEnvironment(program: Program): boolean {
  let reads = false
  new Visitor({
    MemberExpression(node) {
      const isProcess = (object: typeof node.object): boolean =>
        (object.type === 'Identifier' && object.name === 'process') ||
        (object.type === 'MemberExpression' && nameOf(object.property) === 'process')
      if (nameOf(node.property) === 'env' && isProcess(node.object)) reads = true
    },
    VariableDeclarator({ id, init }) {
      if (init?.type !== 'Identifier' || init.name !== 'process' || id.type !== 'ObjectPattern') return
      if (id.properties.some((property) => property.type === 'Property' && nameOf(property.key) === 'env')) reads = true
    },
    ImportDeclaration({ source, specifiers }) {
      if (!/^(node:)?process$/.test(source.value)) return
      if (specifiers.some((one) => one.type === 'ImportSpecifier' && nameOf(one.imported) === 'env')) reads = true
    },
  }).visit(program)
  return reads
}

function nameOf(node: object): unknown {
  return 'name' in node ? node.name : 'value' in node ? node.value : undefined
}

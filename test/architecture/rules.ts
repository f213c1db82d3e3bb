import type { Import, Module } from './modules.ts'

/**
 * One row: what the files of a room may import. `src/core/` stands for all below it, `HERE/` for the room's own folder,
 * `node:` for Node's modules, `*` for every package that has no home elsewhere. `types` is for `import type` alone.
 */
interface Room {
  readonly name: string
  /** The first row that fits a file is the file's; the match itself is `HERE/`. */
  readonly files: RegExp
  readonly may: readonly string[]
  readonly types?: readonly string[]
}

export const rooms: readonly Room[] = [
  { name: 'core', files: /^src\/core\//, may: ['HERE/', 'zod'] },
  { name: 'ha', files: /^src\/ha\//, may: ['HERE/'], types: ['src/core/'] },
  {
    name: 'blueprint',
    files: /^src\/blueprint\//,
    may: ['HERE/', 'src/core/', 'src/ha/'],
    types: ['src/proxmox/'],
  },
  { name: 'drill', files: /^src\/drill\//, may: ['HERE/', 'src/core/', 'src/ha/'] },
  {
    name: 'commands',
    files: /^commands\//,
    may: ['HERE/', 'workers/', 'src/core/', 'src/ha/', 'src/blueprint/', 'zod'],
    types: ['src/proxmox/'],
  },
  {
    name: 'workers',
    files: /^workers\//,
    may: ['HERE/', 'src/core/', 'src/ha/', 'src/drill/', 'zod'],
    types: ['src/proxmox/'],
  },
  {
    name: 'a chat platform',
    files: /^src\/chat\/[^/]+\//,
    may: ['HERE/', 'src/core/', 'src/text/', 'node:', '*'],
    types: ['src/config/'],
  },
  {
    name: 'lab',
    files: /^src\/lab\//,
    may: ['HERE/', 'node:', 'hono', '@hono/node-server', 'selfsigned', 'zod'],
    types: ['src/core/'],
  },
  {
    name: 'configuration',
    files: /^src\/config(?=\.ts$|\/)/,
    may: ['HERE', 'src/core/', 'src/ha/', 'node:', 'zod', 'yaml'],
  },
  {
    name: 'an entry file, or a part of one',
    files: /^src\/(?:(?:app|bot|worker|lab|doctor|cli|write-docs|watch|oncall|drills)\.ts$|(?:bot|worker)\/)/,
    may: ['src/', 'node:', '*'],
  },
  {
    name: 'a file beside the rooms',
    files: /^src\/(chat\/)?[^/]+\.ts$/,
    may: ['src/core/', 'src/text/', 'node:', '*'],
  },
  {
    name: 'any other room',
    files: /^src\/[^/]+\//,
    may: ['HERE/', 'src/core/', 'src/text/', 'node:', '*'],
    types: ['src/config/', 'src/proxmox/', 'src/ha/'],
  },
  { name: 'tests', files: /^test\//, may: ['HERE/', 'src/', 'commands/', 'workers/', 'node:', '*'] },
]

/** Packages that live in one place, tests apart. */
export const homes: Readonly<Record<string, readonly string[]>> = {
  '@slack/': ['src/chat/slack/'],
  'discord.js': ['src/chat/discord/'],
  bullmq: ['src/jobs/'],
  ioredis: ['src/jobs/'],
  'proxmox-api': ['src/proxmox/'],
  undici: ['src/proxmox/', 'src/chat/'],
}

export interface Rule {
  readonly says: string
  /** One line for each breach; a line begins with the file. */
  faults(modules: readonly Module[]): string[]
}

export const rules: readonly Rule[] = [
  { says: 'a room imports only what its row allows', faults: (modules) => modules.flatMap(forbiddenImports) },
  { says: 'a package that has a home is imported there alone', faults: (modules) => modules.flatMap(strayPackages) },
  { says: 'only src/config.ts reads the environment', faults: (modules) => modules.filter(readsEnvironment).map(path) },
  {
    says: 'no folder is named utils',
    faults: (modules) => modules.map(path).filter((file) => /(^|\/)utils?\//.test(file)),
  },
  { says: 'a relative import ends in .ts', faults: (modules) => modules.flatMap(wrongEndings) },
  {
    says: 'every command and every worker is a default export',
    faults: (modules) => modules.filter(isNamelessPiece).map(path),
  },
  { says: 'our files import each other in no circle', faults: circles },
]

const path = (module: Module): string => module.path

function forbiddenImports(module: Module): string[] {
  const room = rooms.find(({ files }) => files.test(module.path))
  if (!room) return [`${module.path} is in no room`]
  const here = (room.files.exec(module.path)?.[0] ?? '').replace(/\/$/, '')
  const allows = (patterns: readonly string[], found: Import) =>
    patterns.some((pattern) => covers(pattern.replace('HERE', here), found))
  return module.imports
    .filter((found) => !allows(room.may, found) && !(found.typeOnly && allows(room.types ?? [], found)))
    .map(({ to, typeOnly }) => {
      const types = room.types ? `, and types of ${room.types.join(' ')}` : ''
      return `${module.path} imports ${typeOnly ? 'types of ' : ''}${to}; ${room.name} may import ${room.may.join(' ')}${types}`
    })
}

function covers(pattern: string, { to, kind }: Import): boolean {
  if (pattern === '*') return kind === 'package'
  if (pattern === 'node:') return kind === 'node'
  return to === pattern || (kind === 'own' && to.startsWith(pattern))
}

function strayPackages(module: Module): string[] {
  if (module.path.startsWith('test/')) return []
  return module.imports.flatMap(({ to, kind }) => {
    const home = Object.entries(homes).find(([name]) => to === name || (name.endsWith('/') && to.startsWith(name)))
    if (kind !== 'package' || !home || home[1].some((folder) => module.path.startsWith(folder))) return []
    return [`${module.path} imports ${to}, which lives in ${home[1].join(' and ')}`]
  })
}

const readsEnvironment = (module: Module): boolean =>
  module.readsEnvironment && module.path !== 'src/config.ts' && !module.path.startsWith('test/')

const wrongEndings = (module: Module): string[] =>
  module.imports
    .filter(({ kind, to }) => kind === 'own' && !to.endsWith('.ts'))
    .map(({ specifier }) => `${module.path} imports ${specifier}`)

const isNamelessPiece = (module: Module): boolean =>
  /^(commands|workers)\//.test(module.path) && !module.path.endsWith('/group.ts') && !module.exportsDefault

/** Circles of imports that run while loading; types are erased and `import()` comes later. */
function circles(modules: readonly Module[]): string[] {
  const byPath = new Map(modules.map((module) => [module.path, module]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (at: string, trail: readonly string[]): void => {
    const start = trail.indexOf(at)
    if (start >= 0) found.push([...trail.slice(start), at].join(' → '))
    if (start >= 0 || done.has(at)) return
    const eager = byPath.get(at)?.imports.filter(({ kind, typeOnly, lazy }) => kind === 'own' && !typeOnly && !lazy)
    for (const { to } of eager ?? []) visit(to, [...trail, at])
    done.add(at)
  }
  for (const { path } of modules) visit(path, [])
  return found
}

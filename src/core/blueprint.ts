import { z } from 'zod'
import { parseSize } from './args.ts'
import { algorithmOf, contentOf, parseAddress } from './download.ts'
import { presets } from './presets.ts'
import { type StorageArg, storageTypes, storageWants } from './storage-params.ts'

/**
 * A whole site in one file: its cluster, storages, guests, HA and the drills that prove it. The schema carries codes,
 * never sentences: a fault is told in the reader's language, with the line it stands on.
 */
export interface BlueprintFault {
  line: number
  column: number
  /** `guests[0].disk`. */
  path: string
  code: FaultCode
  /** For `wrong`: what it must be. */
  expects?: Expected
  /** What was meant, or the keys that exist. */
  near?: string
}

export type FaultCode =
  | 'syntax'
  | 'unknown-key'
  | 'missing'
  | 'wrong'
  | 'list'
  | 'map'
  | 'empty'
  | 'twice'
  | 'unknown-name'
export type Expected = keyof typeof kinds

/** The files that may be named in chat. */
export interface Blueprints {
  /** Undefined: no folder is configured. */
  list(): Promise<string[] | undefined>
  /** Undefined: there is no such file. */
  read(name: string): Promise<{ blueprint: Blueprint } | { faults: BlueprintFault[] } | undefined>
  /** The same as text of a file; the inverse of `read`. */
  write(blueprint: Blueprint): string
}

const nodeName = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/
const guestName = /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i
const fits = (pattern: RegExp) => (text: string) => (pattern.test(text) ? text : undefined)
const whole = (least: number, most: number) => (text: string) => {
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  return number >= least && number <= most ? number : undefined
}

/** One written value: what its text becomes, by what it must be. */
const kinds = {
  clusterName: fits(/^[A-Za-z][A-Za-z0-9-]{0,14}$/),
  node: fits(nodeName),
  cidr: fits(/^[\da-fA-F:.]+\/\d{1,3}$/),
  storage: fits(/^[A-Za-z][\w.-]*[A-Za-z0-9]$/),
  text: fits(/^[^\s].*$/),
  word: fits(/^\S+$/),
  vmid: whole(100, 999_999_999),
  guestName: fits(guestName),
  cores: whole(1, 512),
  size: (text: string) => (parseSize(text, 'M') === undefined ? undefined : text),
  /** `Storage:32G`. */
  disk: (text: string) => {
    const [, storage, size] = /^([A-Za-z][\w.-]*):(\d[\w.]*)$/.exec(text) ?? []
    return size !== undefined && parseSize(size, 'G') !== undefined ? { storage: storage!, size } : undefined
  },
  /** `NASAccess:iso/Win11.iso`. */
  iso: fits(/^[A-Za-z][\w.-]*:iso\/[^/\s]+$/),
  priority: whole(0, 1000),
  tries: whole(0, 10),
  boolean: (text: string) => (text === 'true' ? true : text === 'false' ? false : undefined),
  preset: (text: string) => presets.find((one) => one === text),
  storageType: (text: string) => storageTypes.find((one) => one === text),
  content: (text: string) => contents.find((one) => one === text),
  state: (text: string) => states.find((one) => one === text),
  drill: (text: string) => drills.find((one) => one === text),
  duration: fits(/^\d{1,6}(?:s|m|h)$/),
  /** An address without a password in it, that leads to no node itself. */
  url: (text: string) => {
    try {
      return parseAddress(text) && text
    } catch {
      return undefined
    }
  },
  /** A file's name that says what it is: `debian-12.iso`. */
  file: (text: string) => (/^[-\w.]+$/.test(text) && contentOf(text) ? text : undefined),
  checksum: (text: string) => (algorithmOf(text) ? text.toLowerCase() : undefined),
} as const

export const contents = ['images', 'rootdir', 'iso', 'vztmpl', 'backup', 'snippets', 'import', 'none'] as const
const states = ['started', 'stopped', 'disabled', 'ignored'] as const
const drills = ['shutdown', 'power', 'network'] as const

type Value<K extends Expected> = Exclude<ReturnType<(typeof kinds)[K]>, undefined>

/** The words that may stand there, where they are few. */
export const wordsOf: Partial<Record<Expected, readonly string[]>> = {
  preset: presets,
  storageType: storageTypes,
  content: contents,
  state: states,
  drill: drills,
  boolean: ['true', 'false'],
}

export interface Issue {
  code: FaultCode
  expects?: Expected
}

function leaf<K extends Expected>(kind: K) {
  return z.unknown().transform((value, context): Value<K> => {
    const parsed = value === undefined || typeof value === 'object' ? undefined : kinds[kind](String(value))
    if (parsed !== undefined) return parsed as Value<K>
    const issue: Issue = value === undefined ? { code: 'missing' } : { code: 'wrong', expects: kind }
    context.addIssue({ code: 'custom', message: issue.code, params: { ...issue } })
    return z.NEVER
  })
}

const map = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, { error: () => Object.keys(shape).join(' ') })

const cluster = map({
  name: leaf('clusterName'),
  first: leaf('node'),
  join: z.array(leaf('node')).default([]),
  link0: leaf('cidr').optional(),
  link1: leaf('cidr').optional(),
})

const storageOptions = {
  server: leaf('word').optional(),
  export: leaf('word').optional(),
  share: leaf('word').optional(),
  portal: leaf('word').optional(),
  target: leaf('word').optional(),
  base: leaf('word').optional(),
  vg: leaf('word').optional(),
  thinpool: leaf('word').optional(),
  pool: leaf('word').optional(),
  path: leaf('word').optional(),
  datastore: leaf('word').optional(),
  namespace: leaf('word').optional(),
  fingerprint: leaf('word').optional(),
  username: leaf('word').optional(),
  domain: leaf('word').optional(),
  monhost: leaf('word').optional(),
  fsname: leaf('word').optional(),
} satisfies Record<StorageArg, z.ZodType>

const storage = map({
  id: leaf('storage'),
  type: leaf('storageType'),
  ...storageOptions,
  content: z.array(leaf('content')).optional(),
  nodes: z.array(leaf('node')).optional(),
  shared: leaf('boolean').optional(),
  /** The loss of what may be on its LUN is agreed to. */
  wipe: leaf('boolean').optional(),
}).superRefine((value, context) => {
  // A type that is wrong is told by itself.
  const { must, never } = storageWants(typeof value.type === 'string' ? value.type : undefined)
  const lacking = must.filter((key) => value[key] === undefined)
  const stray = never.filter((key) => value[key] !== undefined)
  for (const key of lacking)
    context.addIssue({ code: 'custom', message: 'missing', path: [key], params: { code: 'missing' } })
  for (const key of stray) {
    const near = must.join(', ') || 'content, nodes'
    context.addIssue({ code: 'custom', message: 'stray', path: [key], params: { code: 'unknown-key', near } })
  }
})

/** A file that a node fetches onto a storage. */
const download = map({
  to: leaf('storage'),
  url: leaf('url'),
  name: leaf('file'),
  checksum: leaf('checksum').optional(),
})

const guest = map({
  id: leaf('vmid'),
  name: leaf('guestName'),
  preset: leaf('preset').optional(),
  node: leaf('node'),
  cores: leaf('cores').prefault('1'),
  memory: leaf('size').prefault('2G'),
  disk: leaf('disk'),
  iso: leaf('iso').optional(),
})

const ha = map({
  prefer: z.record(z.string(), z.record(z.string(), leaf('priority'))).default({}),
  guests: z
    .array(
      map({
        guest: leaf('vmid'),
        prefer: leaf('word').optional(),
        maxRestart: leaf('tries').prefault('1'),
        maxRelocate: leaf('tries').prefault('1'),
        state: leaf('state').prefault('started'),
      }),
    )
    .default([]),
})

const drill = map({
  drill: leaf('drill'),
  node: leaf('node'),
  expect: z.record(z.string(), leaf('node')).default({}),
  within: leaf('duration').prefault('180s'),
})

export const blueprintSchema = map({
  cluster: cluster.optional(),
  storage: z.array(storage).default([]),
  downloads: z.array(download).default([]),
  guests: z.array(guest).default([]),
  ha: ha.prefault({}),
  validate: z.array(drill).default([]),
})

export type Blueprint = z.output<typeof blueprintSchema>

interface Cross extends Issue {
  path: (string | number)[]
  near?: string
}

/** What no single value shows: names that are given twice, or that nothing has. */
export function crossFaults({ storage, guests, ha }: Blueprint): Cross[] {
  const twice = (path: (i: number) => (string | number)[], names: readonly (string | number)[]): Cross[] =>
    names.flatMap((name, i) => (names.indexOf(name) < i ? [{ path: path(i), code: 'twice' as const }] : []))
  const rules = Object.keys(ha.prefer)
  const unknown = ha.guests.flatMap(({ prefer }, i): Cross[] =>
    prefer === undefined || rules.includes(prefer)
      ? []
      : [{ path: ['ha', 'guests', i, 'prefer'], code: 'unknown-name', near: rules.join(', ') }],
  )
  return [
    ...twice(
      (i) => ['storage', i, 'id'],
      storage.map(({ id }) => id),
    ),
    ...twice(
      (i) => ['guests', i, 'id'],
      guests.map(({ id }) => id),
    ),
    ...twice(
      (i) => ['ha', 'guests', i, 'guest'],
      ha.guests.map(({ guest }) => guest),
    ),
    ...unknown,
  ]
}

/** `3m` as seconds. */
export function secondsOf(duration: string): number {
  const unit = { s: 1, m: 60, h: 3600 }[duration.at(-1) as 's' | 'm' | 'h']
  return Number(duration.slice(0, -1)) * unit
}

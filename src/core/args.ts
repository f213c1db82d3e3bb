import { z } from 'zod'

/**
 * The kinds of argument. A kind knows how its text becomes a value, how to say what it wants (`words.kinds`),
 * which form field asks for it, and what completes it (`complete.ts`).
 */
export type ArgKind =
  | 'text'
  | 'name'
  | 'guest'
  | 'node'
  | 'storage'
  | 'iso'
  | 'pool'
  | 'vmid'
  | 'size'
  | 'disk'
  | 'integer'
  | 'boolean'
  | 'choice'
  | 'job'
  | 'command'

interface ArgMeta {
  kind: ArgKind
  options?: readonly string[]
  min?: number
  max?: number
}

const registry = z.registry<ArgMeta>()

function tagged<S extends z.ZodType>(schema: S, meta: ArgMeta): S {
  registry.add(schema as never, meta as never)
  return schema
}

const KiB = 1024
const units: Record<string, number> = { K: KiB, M: KiB ** 2, G: KiB ** 3, T: KiB ** 4, P: KiB ** 5 }

/** Bytes of `12G`, `512M`, `1.5T`, `4GB`, `4GiB`; a bare number counts in `bare`. Powers of 1024, as in Proxmox. */
export function parseSize(text: string, bare: 'M' | 'G'): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*([KMGTP]?)(?:i?B)?$/i.exec(text.trim())
  if (!match) return undefined
  const bytes = Number(match[1]) * units[(match[2] || bare).toUpperCase()]!
  return Number.isSafeInteger(Math.round(bytes)) && bytes > 0 ? Math.round(bytes) : undefined
}

/** `4 GiB`, `1.5 TiB`: as Proxmox's own interface writes it. */
export function formatSize(bytes: number): string {
  const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let value = bytes
  let step = 0
  while (Math.abs(value) >= KiB && step < steps.length - 1) {
    value /= KiB
    step += 1
  }
  return `${Number(value.toFixed(value < 10 ? 2 : 1))} ${steps[step]}`
}

const text = () => z.string().trim().min(1).max(2000)
const token = () => z.string().trim().min(1).max(255)

/** What is wrong is said by kind; zod's own text never reaches a person. */
const refuse = (context: z.core.$RefinementCtx<unknown>) => {
  context.issues.push({ code: 'custom', input: context.value, message: 'kind' })
  return z.NEVER
}

const size = (options: { bare: 'M' | 'G' }) =>
  tagged(
    token().transform((value, context) => parseSize(value, options.bare) ?? refuse(context)),
    { kind: 'size' },
  )

export interface Disk {
  /** Absent: the suggested one. */
  storage?: string
  bytes: number
}

/** `32G`, or with the storage before it: `Storage:32G`. A bare number counts GiB, as in Proxmox. */
const disk = () =>
  tagged(
    token().transform((value, context): Disk => {
      const colon = value.lastIndexOf(':')
      const bytes = parseSize(value.slice(colon + 1), 'G')
      if (bytes === undefined || colon === 0) return refuse(context)
      return colon > 0 ? { storage: value.slice(0, colon), bytes } : { bytes }
    }),
    { kind: 'disk' },
  )

const integer = (options: { min: number; max: number }) =>
  tagged(
    token().transform((value, context) => {
      const number = /^[+-]?\d{1,15}$/.test(value) ? Number(value) : Number.NaN
      return number >= options.min && number <= options.max ? number : refuse(context)
    }),
    { kind: 'integer', min: options.min, max: options.max },
  )

const truths: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', '1', 'si', 'sí', 'verdadero'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0', 'falso'].map((word) => [word, false] as const),
])

const boolean = () =>
  tagged(
    token().transform((value, context) => truths.get(value.toLowerCase()) ?? refuse(context)),
    { kind: 'boolean', options: ['true', 'false'] },
  )

const choice = <const O extends readonly [string, ...string[]]>(options: O) =>
  tagged(
    token().transform((value, context): O[number] => options.find((o) => o === value.toLowerCase()) ?? refuse(context)),
    { kind: 'choice', options },
  )

/** Proxmox's VMIDs: 100 to 999999999. */
const vmid = () => {
  const schema = integer({ min: 100, max: 999_999_999 })
  return tagged(
    schema.transform((v) => v),
    { kind: 'vmid', min: 100, max: 999_999_999 },
  )
}

/** A DNS name, as Proxmox wants guest names to be. */
const name = () =>
  tagged(
    token().transform((value, context) =>
      /^(?=.{1,63}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i.test(value)
        ? value
        : refuse(context),
    ),
    { kind: 'name' },
  )

const named = (kind: ArgKind) => () =>
  tagged(
    token().transform((value) => value),
    { kind },
  )

/** The argument kinds, as zod schemas over typed text. `.optional()` and `.default()` work as in zod. */
export const arg = {
  /** Any text; what is left of the line when it is the last positional. */
  text: () =>
    tagged(
      text().transform((value) => value),
      { kind: 'text' },
    ),
  name,
  /** A guest by VMID, name or `vm:100`; the plan finds it (`findGuest`). */
  guest: named('guest'),
  node: named('node'),
  storage: named('storage'),
  /** An ISO image by file name or volume id. */
  iso: named('iso'),
  /** A resource pool by its name. */
  pool: named('pool'),
  job: named('job'),
  command: () =>
    tagged(
      text().transform((value) => value),
      { kind: 'command' },
    ),
  vmid,
  /** Bytes. */
  size,
  disk,
  integer,
  boolean,
  choice,
}

export interface ArgFacts extends ArgMeta {
  required: boolean
  /** The default as one would type it. */
  default?: string
}

/** What is known of one argument: its kind, whether it must be given, its default. */
export function describeArg(schema: z.ZodType): ArgFacts {
  let inner = schema
  let required = true
  let fallback: unknown
  for (;;) {
    const meta = registry.get(inner as never) as ArgMeta | undefined
    if (meta) return { ...meta, required, ...(fallback === undefined ? {} : { default: String(fallback) }) }
    const def = inner.def as { type: string; innerType?: z.ZodType; defaultValue?: unknown }
    if (!def.innerType) throw new Error(`an argument must be made with arg.*, not bare zod (${def.type})`)
    if (def.type === 'optional') required = false
    // A prefault is parsed like typed text, so that a default reads as one would type it.
    if (def.type === 'default' || def.type === 'prefault') {
      required = false
      fallback = def.defaultValue
    }
    inner = def.innerType
  }
}

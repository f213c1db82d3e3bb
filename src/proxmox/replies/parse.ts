import { z } from 'zod'
import type { Reply } from '../answer.ts'
import { BadReply } from '../errors.ts'

/**
 * Reads what is known of an answer; keys that are not known are ignored.
 * Throws `BadReply` that names the path and the field, and none of the content.
 */
export function parseReply<T>(schema: z.ZodType<T>, reply: Reply, data: unknown = reply.data): T {
  const parsed = schema.safeParse(data)
  if (parsed.success) return parsed.data
  const issue = deepest(parsed.error.issues[0] as z.core.$ZodIssue)
  throw new BadReply(reply, issue.message, ['data', ...issue.path].join('.'))
}

// Of a union's branches, the one that got furthest says best what is wrong.
function deepest(issue: z.core.$ZodIssue, above: PropertyKey[] = []): { message: string; path: string[] } {
  const path = [...above, ...issue.path]
  const branches = issue.code === 'invalid_union' ? issue.errors.flat() : []
  const best = branches.toSorted((a, b) => b.path.length - a.path.length)[0]
  return best ? deepest(best, path) : { message: issue.message, path: path.map(String) }
}

/** Proxmox's booleans: 0 and 1 as numbers or texts, Perl's empty text, and left out for false. */
export const Flag = z
  .union([z.literal([0, 1, '0', '1', '']), z.boolean()])
  .nullish()
  .transform((value) => value === true || Number(value ?? 0) === 1)

/** A number, or one in quotes: the same key may come as either in two calls. */
export const Num = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'expected a number')
    .transform(Number),
])

/** A text, or a number where Perl lost the quotes. */
export const Text = z.union([z.string(), z.number().transform(String)])

/** The parts of a list that Proxmox writes as one text. */
export const ListText = z
  .string()
  .default('')
  .transform((text) => text.split(/[,; ]+/).filter((part) => part !== ''))

/**
 * The rows of some kinds out of a mixed list. Others (pools, zones, kinds still to come) are passed over; a row of a
 * wanted kind must be right.
 */
export function rowsOf<T>(kinds: readonly string[], row: z.ZodType<T>): z.ZodType<T[]> {
  return z.array(z.looseObject({ type: z.string() })).transform((rows, context) =>
    rows.flatMap((value, index) => {
      if (!kinds.includes(value.type)) return []
      const parsed = row.safeParse(value)
      if (parsed.success) return [parsed.data]
      const { path, message } = deepest(parsed.error.issues[0] as z.core.$ZodIssue)
      context.addIssue({ code: 'custom', message, path: [index, ...path] })
      return []
    }),
  )
}

/** Leaves out the keys that are undefined. */
export function present<T extends object>(row: T): Present<T> {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined)) as Present<T>
}

type Present<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>
}

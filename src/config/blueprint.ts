import { stringify } from 'yaml'
import type { z } from 'zod'
import { type Blueprint, type BlueprintFault, blueprintSchema, crossFaults, type Issue } from '../core/blueprint.ts'
import { near } from '../core/near.ts'
import { type Path, pathText } from './faults.ts'
import { readSource, type Source } from './source.ts'

/** A blueprint from its text, or everything that is wrong with it at once. It holds no secrets, so `${…}` means nothing. */
export function parseBlueprint(text: string): { blueprint: Blueprint } | { faults: BlueprintFault[] } {
  const { source, faults } = readSource(text)
  const broken = faults.map(({ line, column, path }) => ({ line, column, path, code: 'syntax' as const }))
  if (!source || broken.length > 0) return { faults: broken }
  const result = blueprintSchema.safeParse(source.data ?? {}, { reportInput: true })
  const found = result.success
    ? crossFaults(result.data).map(({ path, ...fault }) => ({ ...source.at(path), path: pathText(path), ...fault }))
    : result.error.issues.flatMap((issue) => faultsOf(issue, source))
  if (result.success && found.length === 0) return { blueprint: result.data }
  return { faults: found.sort((a, b) => a.line - b.line || a.column - b.column) }
}

function faultsOf(issue: z.core.$ZodIssue, source: Source): BlueprintFault[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, issue.message, source))
  const where = { ...source.at(path), path: pathText(path) }
  if (issue.code === 'custom') return [{ ...where, ...(issue.params as Issue) }]
  if (issue.input === undefined) return [{ ...where, code: 'missing' }]
  return [{ ...where, code: issue.code === 'invalid_type' && issue.expected === 'array' ? 'list' : 'map' }]
}

function unknownKey(key: string, path: Path, known: string, source: Source): BlueprintFault {
  const keys = known.split(' ')
  const [meant] = near(key, keys, 1)
  return {
    ...source.atKey([...path, key]),
    path: pathText([...path, key]),
    code: 'unknown-key',
    near: meant ?? keys.join(', '),
  }
}

/** As people would write it: one entry a line. */
export function writeBlueprint({ cluster, storage, downloads, guests, ha, validate }: Blueprint): string {
  const hasHa = Object.keys(ha.prefer).length + ha.guests.length > 0
  const plain = {
    ...(cluster ? { cluster } : {}),
    ...(storage.length > 0 ? { storage } : {}),
    ...(downloads.length > 0 ? { downloads } : {}),
    ...(guests.length > 0
      ? { guests: guests.map((guest) => ({ ...guest, disk: `${guest.disk.storage}:${guest.disk.size}` })) }
      : {}),
    ...(hasHa ? { ha } : {}),
    ...(validate.length > 0 ? { validate } : {}),
  }
  return stringify(plain, { lineWidth: 0 })
}

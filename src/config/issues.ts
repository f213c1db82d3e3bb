import type { z } from 'zod'
import { near } from '../core/near.ts'
import type { Fault, Path } from './faults.ts'
import { pathText } from './faults.ts'
import type { IssueParams } from './kinds.ts'
import { secretPlace } from './secret-places.ts'
import type { Source } from './source.ts'

type Issue = z.core.$ZodIssue

/** What zod found (src/config/kinds.ts says how), as faults in the file. One issue may name several unknown keys. */
export function faultsOf(issue: Issue, source: Source): Fault[] {
  const path = issue.path as Path
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, issue.message, source))
  return [{ ...source.at(path), path: pathText(path), ...words(issue, path, source) }]
}

function words(issue: Issue, path: Path, source: Source): { says: string; hint: string } {
  if (issue.code === 'custom') {
    const { hint, showValue } = issue.params as IssueParams
    return { says: issue.message + (showValue ? shown(path, source) : ''), hint }
  }
  if (issue.code === 'too_small') return { says: 'needs at least one entry', hint: issue.message }
  const expected = issue.code === 'invalid_type' ? issue.expected : ''
  if (expected === 'array')
    return { says: missingOr(issue, 'must be a list: [ … ], or lines that begin with "- "'), hint: issue.message }
  if (expected === 'record') return { says: missingOr(issue, 'must be a map: { name: … }'), hint: issue.message }
  return {
    says: missingOr(issue, 'must be a map: { key: value }'),
    hint: `Its keys are ${issue.message.split(' ').join(', ')}.`,
  }
}

const missingOr = (issue: Issue, says: string): string => (issue.input === undefined ? 'is missing' : says)

function unknownKey(key: string, path: Path, known: string, source: Source): Fault {
  const keys = known.split(' ')
  const [meant] = near(key, keys, 1)
  const own = [...path, key]
  return {
    ...source.atKey(own),
    path: pathText(own),
    says: 'is not a key that exists here',
    hint: meant ? `Did you mean ${meant}?` : `The keys here are ${keys.join(', ')}.`,
  }
}

/** A value may be shown as it stands in the file, unless it is, or came from, something that may be secret. */
function shown(path: Path, source: Source): string {
  const written = source.written(path)
  const hidden = written === undefined || written.includes('${') || written.includes('@') || secretPlace(path)
  return hidden ? '' : `, not ${JSON.stringify(written.slice(0, 80))}`
}

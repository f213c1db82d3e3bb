import { fields, list, string } from './fields.ts'

/** Where in a payload a check stands, and where it writes what it finds. */
export interface Place {
  readonly path: string
  readonly problems: string[]
}

export function at(place: Place, key: string | number): Place {
  const step = typeof key === 'number' ? `[${key}]` : `.${key}`
  return { path: place.path + step, problems: place.problems }
}

export function report(place: Place, says: string): void {
  place.problems.push(`${place.path}: ${says}`)
}

/** A string of 1 to `max` characters; absent is fine unless `required`. */
export function checkString(place: Place, value: unknown, max: number, required = false): void {
  if (value === undefined || value === null) {
    if (required) report(place, 'is required')
  } else if (typeof value !== 'string') report(place, 'must be a string')
  else if (value.length === 0) report(place, 'must not be empty')
  else if (value.length > max) report(place, `${value.length} characters, at most ${max}`)
}

export interface TextRule {
  max: number
  required?: boolean
  /** Slack takes mrkdwn only in some places; `plain_text` is right everywhere. */
  plain?: boolean
}

/** A text object: `{type: plain_text|mrkdwn, text}`. */
export function checkText(place: Place, value: unknown, rule: TextRule): void {
  if (value === undefined || value === null) {
    if (rule.required) report(place, 'is required')
    return
  }
  const object = fields(value)
  if (object.type !== 'plain_text' && object.type !== 'mrkdwn') report(place, 'must be a plain_text or mrkdwn object')
  else if (rule.plain && object.type !== 'plain_text') report(place, 'must be plain_text')
  if (object.type === 'mrkdwn' && 'emoji' in object) report(place, 'emoji belongs to plain_text only')
  checkString(at(place, 'text'), object.text, rule.max, true)
}

/** A list of `min` to `max` items; the items are returned even when there are too many. */
export function checkList(place: Place, value: unknown, min: number, max: number): unknown[] {
  if (!Array.isArray(value)) {
    if (min > 0 || value !== undefined) report(place, `must be a list of ${min} to ${max}`)
    return []
  }
  if (value.length < min || value.length > max) report(place, `${value.length} items, ${min} to ${max} are allowed`)
  return value
}

/** The same value twice under `key` is an error of Slack's (`block_id` in a message, `action_id` in a block). */
export function checkUnique(place: Place, items: unknown, key: string): void {
  const seen = new Set<string>()
  for (const item of list(items)) {
    const id = string(fields(item)[key])
    if (id && seen.has(id)) report(place, `${key} "${id}" is there twice`)
    seen.add(id)
  }
}

/** Reading JSON that came over the wire without trusting its shape. */

export type Fields = Record<string, unknown>

export interface Block extends Fields {
  type: string
  block_id?: string
}

/** The value as an object; an empty one when it is anything else. */
export function fields(value: unknown): Fields {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {}
}

export function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

export function string(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A list of blocks, however it arrived; what is not an object is left out. */
export function blockList(value: unknown): Block[] {
  return list(value)
    .map(fields)
    .filter((block): block is Block => typeof block.type === 'string')
}

/** Every text a person would read in these blocks, in order. Table cells are left out on request: Slack counts them apart. */
export function textsIn(value: unknown, options: { tables?: boolean } = {}): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => textsIn(item, options))
  const object = fields(value)
  if (options.tables === false && string(object.type).endsWith('table')) return []
  return Object.entries(object).flatMap(([key, item]) =>
    key === 'text' && typeof item === 'string' ? [item] : textsIn(item, options),
  )
}

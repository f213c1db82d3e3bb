/** Proxmox's property strings: `virtio=BC:24:11:00:00:01,bridge=vmbr0`, `order=1,up=30`. */
import type { Keys } from './facts.ts'

/** `complaint` is Proxmox's sentence, with its final newline. */
export type ParsedPropertyString =
  | { readonly values: ReadonlyMap<string, string>; readonly complaint?: undefined }
  | { readonly complaint: string }

/**
 * Splits a property string by its keys and resolves aliases: `virtio=MAC` becomes `macaddr` and, because the alias
 * stands for a model, `model`. Words for yes and no become 1 and 0. The values themselves are not checked.
 */
export function parsePropertyString(keys: Keys, text: string): ParsedPropertyString {
  const values = new Map<string, string>()
  for (const part of text.split(',')) {
    const complaint = part.trim() === '' ? undefined : takePart(keys, part, values)
    if (complaint !== undefined) return { complaint: `${complaint}\n` }
  }
  return { values }
}

function takePart(keys: Keys, part: string, values: Map<string, string>): string | undefined {
  if (!part.includes('=')) return takeBareValue(keys, part, values)
  const equals = part.indexOf('=')
  const key = part.slice(0, equals)
  const value = part.slice(equals + 1)
  if (key === '' || value === '') return 'missing key in comma-separated list property'
  return takeKey(keys, key, value, values)
}

function takeBareValue(keys: Keys, value: string, values: Map<string, string>): string | undefined {
  const key = Object.keys(keys).find((name) => keys[name]?.defaultKey)
  if (key === undefined) return 'value without key, but schema does not define a default key'
  if (values.has(key)) return duplicate(key)
  values.set(key, value)
  return undefined
}

function takeKey(keys: Keys, key: string, value: string, values: Map<string, string>): string | undefined {
  if (values.has(key)) return duplicate(key)
  const facts = Object.hasOwn(keys, key) ? keys[key] : undefined
  if (!facts) return `invalid key in comma-separated list property: ${key}`
  const { alias, keyAlias } = facts
  if (keyAlias !== undefined) {
    if (values.has(keyAlias)) return `key alias '${keyAlias}' is already defined`
    values.set(keyAlias, key)
  }
  const name = alias ?? key
  values.set(name, keys[name]?.type === 'boolean' ? asBoolean(value) : value)
  return undefined
}

const duplicate = (key: string) => `duplicate key in comma-separated list property: ${key}`

function asBoolean(word: string): string {
  if (/^(1|on|yes|true)$/i.test(word)) return '1'
  if (/^(0|off|no|false)$/i.test(word)) return '0'
  return word
}

/**
 * Parameters as a form, the one encoding that every version of Proxmox takes. Booleans become 0 and 1 (forms know no
 * `true`), arrays repeat their key, `undefined` is left out. Leaves `params` as it is.
 * Throws `TypeError` for what has no one meaning on the wire: objects, dates, null, functions, NaN.
 */
export function encodeParams(params: Readonly<Record<string, unknown>> | undefined): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(params ?? {})) {
    if (value === undefined) continue
    for (const item of Array.isArray(value) ? value : [value]) form.append(name, plain(name, item))
  }
  return form.toString()
}

function plain(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  const kind = value === null || typeof value === 'number' ? String(value) : typeof value
  throw new TypeError(`parameter ${name}: cannot send ${kind}`)
}

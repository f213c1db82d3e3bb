/**
 * Paths of calls. proxmox-api hands over the path with its arguments put in, only `/` in them escaped, and the
 * template with `*` in their places; together they tell what came from outside.
 */

/** A volume's name, `iso/debian.iso`, is the one argument with a slash in it; Proxmox's pattern there takes the rest. */
const TAKES_SLASHES = /\/storage\/\*\/content\/\*$/

/**
 * The path to put on the wire, every argument escaped as one segment.
 * Throws `TypeError` for an argument that is empty, `.` or `..`, or holds a slash, a control character or half of a
 * character, escaped or not: no node, guest, storage or UPID does.
 */
export function escapePath(path: string, template: string): string {
  const given = path.split('/')
  const wanted = template.split('/')
  if (given.length !== wanted.length) throw new TypeError(`path does not fit ${template}`)
  return given
    .map((part, i) => {
      if (wanted[i] !== '*') return fixed(part, i)
      const isVolume = i === wanted.length - 1 && TAKES_SLASHES.test(template)
      return isVolume ? part.split('%2F').map(segment).join('/') : segment(part)
    })
    .join('/')
}

function fixed(part: string, position: number): string {
  if (position > 0 && !/^[A-Za-z0-9_-]+$/.test(part)) throw new TypeError(`no such path: ${JSON.stringify(part)}`)
  return part
}

function segment(value: string): string {
  if (isUnfit(value) || isUnfit(unescaped(value))) {
    throw new TypeError(`not usable in a path: ${JSON.stringify(value)}`)
  }
  return encodeURIComponent(value)
}

function isUnfit(value: string): boolean {
  return value === '' || value === '.' || value === '..' || /[/\p{Cc}\p{Cs}]/u.test(value)
}

// One escape at a time: a text that is not wholly an escaped one may still hold one of them.
function unescaped(value: string): string {
  return value.replace(/%([\dA-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

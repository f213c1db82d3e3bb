import { Refused } from './errors.ts'

/** The node itself, its own link, and nobody's address. */
const isLocal = (host: string) =>
  /^(localhost|.*\.localhost|127\..*|0\..*|169\.254\..*|\[::1?\]|\[fe[89ab].*|\[::ffff:.*)$/i.test(host)

/**
 * An address that a node may fetch; undefined for what is none.
 * @throws Refused `url-secret`, `url-local`
 */
export function parseAddress(given: string): URL | undefined {
  if (!/^https?:\/\//i.test(given) || !URL.canParse(given)) return undefined
  const url = new URL(given)
  if (url.username !== '' || url.password !== '') throw new Refused('url-secret')
  if (isLocal(url.hostname)) throw new Refused('url-local', { host: url.hostname })
  return url
}

/** The file's name on the storage: as given, else the last part of its address; with nothing in it that Proxmox replaces. */
export function nameIn(url: URL, given: string | undefined): string {
  const last = url.pathname.split('/').at(-1) ?? ''
  return (given ?? decoded(last)).replace(/^.*[/\\]/, '').replace(/[^-a-zA-Z0-9_.]/g, '_')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What Proxmox takes a file for by its ending. */
export function contentOf(name: string): 'iso' | 'vztmpl' | 'import' | undefined {
  if (/.\.(iso|img)$/i.test(name)) return 'iso'
  if (/.\.tar\.(gz|xz|zst|bz2)$/i.test(name)) return 'vztmpl'
  return /.\.(qcow2|raw|vmdk|ova)$/i.test(name) ? 'import' : undefined
}

const algorithms: Readonly<Record<number, 'md5' | 'sha1' | 'sha224' | 'sha256' | 'sha384' | 'sha512'>> = {
  32: 'md5',
  40: 'sha1',
  56: 'sha224',
  64: 'sha256',
  96: 'sha384',
  128: 'sha512',
}

/** The algorithm of a checksum, by its length. */
export const algorithmOf = (sum: string) => (/^[0-9a-f]+$/i.test(sum) ? algorithms[sum.length] : undefined)

/** Which endpoint to ask first, and which only if the others fail. Names are those of nodes, as Proxmox has them. */
export interface Preference {
  prefer?: string | undefined
  avoid?: readonly string[] | undefined
}

const DEFAULT_PORT = '8006'

/**
 * The origin of an endpoint: `pve1`, `10.0.0.1:8006` and `https://pve1:8006/` are all understood; the port is 8006
 * unless given. Throws `TypeError` for plain http, for names and passwords in the address and for a path.
 */
export function endpointOrigin(text: string): string {
  const address = text.includes('://') ? text : `https://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isPlain = url?.protocol === 'https:' && url.pathname === '/' && !url.search && !url.hash && !url.username
  if (!url || !isPlain || url.password || address.includes('@')) {
    throw new TypeError('an endpoint is an address like https://10.0.0.1:8006')
  }
  // URL drops the port 443 of https, which behind a reverse proxy is the right one.
  const port = /^https:\/\/[^/]*:(\d+)\/?$/i.exec(address)?.[1] ?? DEFAULT_PORT
  return `https://${url.hostname}:${port}`
}

/** The endpoints of one cluster, and what experience says of them. */
export class Endpoints {
  readonly #origins: readonly string[]
  readonly #now: () => number
  readonly #coolMs: number
  readonly #downUntil = new Map<string, number>()
  readonly #nodes = new Map<string, string>()
  #answeredLast: string | undefined

  /** `now` in milliseconds; an endpoint that failed goes to the end of the line for `coolMs`. */
  constructor(addresses: readonly string[], now: () => number, coolMs = 10_000) {
    this.#origins = [...new Set(addresses.map(endpointOrigin))]
    if (this.#origins.length === 0) throw new TypeError('a cluster needs at least one endpoint')
    this.#now = now
    this.#coolMs = coolMs
  }

  /** All of them, the best first: not avoided, not lately failed, preferred, answered last, as configured. */
  order(preference: Preference = {}): string[] {
    const rank = (origin: string): number[] => [
      preference.avoid?.some((node) => this.#isOf(origin, node)) ? 1 : 0,
      (this.#downUntil.get(origin) ?? 0) > this.#now() ? 1 : 0,
      preference.prefer !== undefined && this.#isOf(origin, preference.prefer) ? 0 : 1,
      origin === this.#answeredLast ? 0 : 1,
    ]
    const ranked = this.#origins.map((origin) => ({ origin, rank: rank(origin) }))
    ranked.sort((a, b) => a.rank.map((r, i) => r - (b.rank[i] as number)).find((difference) => difference !== 0) ?? 0)
    return ranked.map(({ origin }) => origin)
  }

  answered(origin: string): void {
    this.#answeredLast = origin
    this.#downUntil.delete(origin)
  }

  failed(origin: string): void {
    if (this.#answeredLast === origin) this.#answeredLast = undefined
    this.#downUntil.set(origin, this.#now() + this.#coolMs)
  }

  /** Remembers which node answers at an endpoint. */
  learn(origin: string, node: string): void {
    this.#nodes.set(origin, node)
  }

  /** Remembers the nodes of endpoints that are configured by these addresses. */
  learnAddresses(members: readonly { name: string; ip?: string }[]): void {
    for (const { name, ip } of members) {
      const origin = this.#origins.find((origin) => new URL(origin).hostname === ip)
      if (origin !== undefined && !this.#nodes.has(origin)) this.learn(origin, name)
    }
  }

  #isOf(origin: string, node: string): boolean {
    const known = this.#nodes.get(origin)
    return known === undefined ? new URL(origin).hostname.split('.')[0] === node : known === node
  }
}

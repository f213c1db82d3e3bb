import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8)
loopback.addAddress('::1', 'ipv6')

const ownLink = new BlockList()
ownLink.addSubnet('169.254.0.0', 16)
ownLink.addSubnet('fe80::', 10, 'ipv6')

const listed = (list: BlockList, host: string): boolean => {
  const family = isIP(host)
  return family !== 0 && list.check(host, family === 6 ? 'ipv6' : 'ipv4')
}

/** Whether only this machine can reach `host` (no brackets). Names other than `localhost` are not looked up. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || listed(loopback, host)

/** Link-local, or the unspecified address: nothing that a guest's users would connect to. */
export const isLinkLocal = (host: string): boolean => listed(ownLink, host) || host === '0.0.0.0' || host === '::'

/** `10.0.0.50:3389`, `[::1]:8484`, `nas.lan:80` → its two parts; undefined where it is not one. */
export function hostAndPort(text: string): { host: string; port: number } | undefined {
  const [, name, digits] = /^(\[[\da-f:.]+\]|[^\s:/?#@[\]]+):(\d{1,5})$/i.exec(text) ?? []
  const port = Number(digits)
  // The URL parser writes an address as it will be connected to: 127.1 and 0x7f.1 are 127.0.0.1.
  if (!name || port > 65_535 || !URL.canParse(`http://${name}`)) return undefined
  return { host: hostOf(new URL(`http://${name}`)), port }
}

/** A URL's host without the brackets of IPv6. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '')

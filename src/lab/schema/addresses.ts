/** Proxmox's named formats for addresses and names on the network. */
import { isIPv4, isIPv6 } from 'node:net'

/** Proxmox's sentence about a value that does not fit, without its newline; undefined for one that fits. */
export type FormatCheck = (value: string) => string | undefined

export const says =
  (fits: (value: string) => boolean, sentence: string | ((value: string) => string)): FormatCheck =>
  (value) => {
    if (fits(value)) return undefined
    return typeof sentence === 'string' ? sentence : sentence(value)
  }

export const like = (pattern: RegExp, sentence: string | ((value: string) => string)): FormatCheck =>
  says((value) => pattern.test(value), sentence)

const LABEL = /^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$/
const isLabel = (text: string) => LABEL.test(text)
const isDnsName = (text: string) => text.split('.').every(isLabel)
const isIpv6 = (text: string) => isIPv6(text) && !text.includes('%')
const isIp = (text: string) => isIPv4(text) || isIpv6(text)

/** Shorter prefixes than /8 are not taken for networks. */
function isCidr(text: string, isAddress: (address: string) => boolean, bits: number): boolean {
  const [, address = '', prefix] = /^(.+)\/(\d+)$/.exec(text) ?? []
  return isAddress(address) && Number(prefix) > 7 && Number(prefix) <= bits
}
const isCidr4 = (text: string) => isCidr(text, isIPv4, 32)
const isCidr6 = (text: string) => isCidr(text, isIpv6, 128)
const isIpOrCidr = (text: string) => isIp(text.replace(/\/\d+$/, ''))

const isNetmask = (text: string) => {
  const bits = text.split('.').map((part) => Number(part).toString(2).padStart(8, '0'))
  return isIPv4(text) && /^1*0*$/.test(bits.join(''))
}

const isHost = (text: string) => isIp(text) || isDnsName(text)
const isPortal = (text: string) => /^\[.+\](:\d+)?$/.test(text) || isHost(text) || isHost(text.replace(/:\d+$/, ''))

const EMAIL = /^[\w+~-]+(\.[\w+~-]+)*@[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)*$/
const EMAIL_USER = /^[\w+~-]+(\.[\w+~-]+)*$/

export const ADDRESS_FORMATS: Readonly<Record<string, FormatCheck>> = {
  'pve-node': says(isLabel, 'value does not look like a valid node name'),
  'dns-name': says(isDnsName, 'value does not look like a valid DNS name'),
  address: says(isHost, (value) => `value does not look like a valid address: ${value}`),
  'pve-storage-server': says(isHost, 'value does not look like a valid server name or IP address'),
  'pve-storage-portal-dns': says(isPortal, 'value does not look like a valid portal address'),
  ip: says(isIp, 'value does not look like a valid IP address'),
  ipv4: says(isIPv4, 'value does not look like a valid IPv4 address'),
  ipv6: says(isIpv6, 'value does not look like a valid IPv6 address'),
  ipv4mask: says(isNetmask, 'value does not look like a valid IP netmask'),
  CIDR: says((value) => isCidr4(value) || isCidr6(value), 'value does not look like a valid CIDR network'),
  CIDRv4: says(isCidr4, 'value does not look like a valid IPv4 CIDR network'),
  CIDRv6: says(isCidr6, 'value does not look like a valid IPv6 CIDR network'),
  IPorCIDR: says(isIpOrCidr, 'value does not look like a valid IP address or CIDR network'),
  IPorCIDRorAlias: says(
    (value) => /^[A-Za-z][A-Za-z0-9_-]+$/.test(value) || isIpOrCidr(value),
    'value does not look like a valid IP address or CIDR network',
  ),
  'pve-ipv4-config': says(
    (value) => value === 'dhcp' || value === 'manual' || isCidr4(value),
    'value does not look like a valid ipv4 network configuration',
  ),
  'pve-ipv6-config': says(
    (value) => value === 'auto' || value === 'dhcp' || value === 'manual' || isCidr6(value),
    'value does not look like a valid ipv6 network configuration',
  ),
  'mac-addr': like(/^[a-f0-9][02468ace](:[a-f0-9]{2}){5}$/i, 'value does not look like a valid unicast MAC address'),
  'mac-prefix': like(/^[a-f0-9][02468ace](:[a-f0-9]{2}){0,2}:?$/i, 'value is not a valid unicast MAC address prefix'),
  'pve-iface': like(/^[a-z][a-z0-9_]{1,20}([:.]\d+)?$/i, (value) => `invalid network interface name '${value}'`),
  'pve-vlan-id-or-range': vlanRange,
  email: like(EMAIL, 'value does not look like a valid email address'),
  'email-or-username': says(
    (value) => EMAIL.test(value) || EMAIL_USER.test(value),
    'value does not look like a valid email address or user name',
  ),
}

function vlanRange(value: string): string | undefined {
  const [whole, from, to] = /^(\d+)(?:-(\d+))?$/.exec(value) ?? []
  if (whole === undefined) return `invalid VLAN configuration '${value}'`
  const bad = [from, to].find((tag) => tag !== undefined && (Number(tag) < 2 || Number(tag) > 4094))
  if (bad !== undefined) return `invalid VLAN tag '${bad}'`
  if (to !== undefined && Number(from) >= Number(to)) return `VLAN range must go from lower to higher tag '${value}'`
  return undefined
}

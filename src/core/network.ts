/** An interface of a host, as far as Quorum makes and changes them. */
export interface Wished {
  iface: string
  type: 'bridge' | 'bond' | 'vlan'
  ports?: string[]
  mode?: string
  vlan?: number
  on?: string
  address?: string
  gateway?: string
  mtu?: number
  vlanAware?: boolean
  comment?: string
}

interface Interface {
  iface: string
  type: string
  autostart: boolean
  cidr?: string
  gateway?: string
  ports: readonly string[]
  vlanAware: boolean
  slaves: readonly string[]
  bondMode?: string
  vlanId?: number
  rawDevice?: string
  mtu?: number
  comments?: string
}

/** Proxmox's own names for what is wished; what is not said stays as it is. */
export function paramsOf(wish: Wished): Record<string, string | number | boolean> {
  const { iface, type, ports, mode, vlan, on, address, gateway, mtu, vlanAware, comment } = wish
  const params = {
    iface,
    type,
    bridge_ports: type === 'bridge' ? ports?.join(' ') : undefined,
    slaves: type === 'bond' ? ports?.join(' ') : undefined,
    bond_mode: mode,
    'vlan-id': vlan,
    'vlan-raw-device': on,
    cidr: address,
    gateway,
    mtu,
    bridge_vlan_aware: vlanAware,
    comments: comment,
    autostart: true,
  }
  return Object.fromEntries(
    Object.entries(params).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  )
}

/** Whether an interface is as wished, in all that the wish says. */
export function isAs(found: Interface | undefined, wish: Wished): boolean {
  if (!found || found.type !== wish.type) return false
  const members = wish.type === 'bond' ? found.slaves : found.ports
  const same = <T>(wished: T | undefined, has: T | undefined) => wished === undefined || wished === has
  return (
    (wish.ports === undefined || [...wish.ports].sort().join() === [...members].sort().join()) &&
    same(wish.mode, found.bondMode) &&
    same(wish.vlan, found.vlanId) &&
    same(wish.on, found.rawDevice) &&
    same(wish.address, found.cidr) &&
    same(wish.gateway, found.gateway) &&
    same(wish.mtu, found.mtu) &&
    same(wish.vlanAware, found.vlanAware) &&
    same(wish.comment, found.comments)
  )
}

/** One line of an interface, for lists and for what was before and comes after. */
export function lineOf(found: Interface | undefined): string {
  if (!found) return '–'
  const { type, cidr, gateway, ports, slaves, bondMode, vlanId, rawDevice, mtu, vlanAware } = found
  return [
    type,
    ...(ports.length > 0 ? [`bridge-ports ${ports.join(' ')}`] : []),
    ...(slaves.length > 0 ? [`bond-slaves ${slaves.join(' ')}`] : []),
    ...(bondMode === undefined ? [] : [`bond-mode ${bondMode}`]),
    ...(vlanId === undefined ? [] : [`vlan-id ${vlanId}`]),
    ...(rawDevice === undefined ? [] : [`vlan-raw-device ${rawDevice}`]),
    ...(vlanAware ? ['bridge-vlan-aware yes'] : []),
    ...(cidr === undefined ? [] : [`address ${cidr}`]),
    ...(gateway === undefined ? [] : [`gateway ${gateway}`]),
    ...(mtu === undefined ? [] : [`mtu ${mtu}`]),
  ].join(', ')
}

/** `/etc/network/interfaces` as far as the API tells of it, to be typed in again by whoever stands at the console. */
export function fileOf(interfaces: readonly Interface[]): string {
  return interfaces
    .map((one) => {
      const [, ...options] = lineOf(one).split(', ')
      const method = one.cidr === undefined ? 'manual' : 'static'
      const lines = [`iface ${one.iface} inet ${method}`, ...options.map((option) => `\t${option}`)]
      return [...(one.autostart ? [`auto ${one.iface}`] : []), ...lines].join('\n')
    })
    .join('\n\n')
}

/** As the interface will be: what is there, with the wish over it. */
export function wishedOver(found: Interface | undefined, wish: Wished): Interface {
  const base = found ?? { iface: wish.iface, type: wish.type, autostart: true, ports: [], vlanAware: false, slaves: [] }
  return {
    ...base,
    ...(wish.ports === undefined ? {} : wish.type === 'bond' ? { slaves: wish.ports } : { ports: wish.ports }),
    ...(wish.mode === undefined ? {} : { bondMode: wish.mode }),
    ...(wish.vlan === undefined ? {} : { vlanId: wish.vlan }),
    ...(wish.on === undefined ? {} : { rawDevice: wish.on }),
    ...(wish.address === undefined ? {} : { cidr: wish.address }),
    ...(wish.gateway === undefined ? {} : { gateway: wish.gateway }),
    ...(wish.mtu === undefined ? {} : { mtu: wish.mtu }),
    ...(wish.vlanAware === undefined ? {} : { vlanAware: wish.vlanAware }),
  }
}

/** The interfaces that a set of addresses hangs on, down to the cards: without them nobody reaches the host. */
export function carrying(interfaces: readonly Interface[], addresses: readonly string[]): Set<string> {
  const found = new Set<string>()
  const add = (name: string | undefined): void => {
    if (name === undefined || found.has(name)) return
    found.add(name)
    const one = interfaces.find(({ iface }) => iface === name)
    const parent = one?.rawDevice ?? (name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : undefined)
    for (const below of [...(one?.ports ?? []), ...(one?.slaves ?? []), parent]) add(below)
  }
  for (const { iface, cidr } of interfaces) if (addresses.some((address) => cidr?.startsWith(`${address}/`))) add(iface)
  return found
}

/** The interfaces of a host. Changes wait in `interfaces.new` until they are applied or taken back. */
import { badParams } from '../fault.ts'
import { lineDiff, renderInterfaces } from '../interfaces-file.ts'
import type { NetworkInterface } from '../model.ts'
import { type Context, compact, optStr, Reply, type Route, splitList, str } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/network', handler: list },
  { method: 'POST', path: '/nodes/{node}/network', handler: create },
  { method: 'PUT', path: '/nodes/{node}/network', handler: apply },
  { method: 'DELETE', path: '/nodes/{node}/network', handler: ({ node }) => void delete node.pendingInterfaces },
  { method: 'GET', path: '/nodes/{node}/network/{iface}', handler: read },
  { method: 'PUT', path: '/nodes/{node}/network/{iface}', handler: update },
  { method: 'DELETE', path: '/nodes/{node}/network/{iface}', handler: remove },
]

const isBridge = ({ type }: NetworkInterface) => type === 'bridge' || type === 'OVSBridge'

function list(ctx: Context) {
  const type = optStr(ctx, 'type')
  const { interfaces, pendingInterfaces: pending } = ctx.node
  const shown = (pending ?? interfaces)
    .filter((iface) => type === undefined || matches(iface, type))
    .filter((iface) => !isBridge(iface) || mayUse(ctx, iface.iface))
    .map((iface) => ({ ...iface }))
  return pending ? new Reply(shown, { changes: changesOf(interfaces, pending) }) : shown
}

const changesOf = (now: NetworkInterface[], next: NetworkInterface[]) =>
  [
    '--- /etc/network/interfaces',
    '+++ /etc/network/interfaces.new',
    lineDiff(renderInterfaces(now), renderInterfaces(next)),
  ].join('\n')

function matches(iface: NetworkInterface, type: string) {
  if (type === 'any_bridge' || type === 'any_local_bridge') return isBridge(iface)
  return type === 'include_sdn' || iface.type === type
}

/** Bridges are shown to those who may plug guests into them. */
function mayUse(ctx: Context, bridge: string) {
  const path = `/sdn/zones/localnetwork/${bridge}`
  return ctx.can(path, 'SDN.Audit') || ctx.can(path, 'SDN.Use')
}

const visible = ({ node }: Context) => node.pendingInterfaces ?? node.interfaces

function named(ctx: Context): NetworkInterface {
  const found = visible(ctx).find(({ iface }) => iface === str(ctx, 'iface'))
  if (!found) throw badParams({ iface: 'interface does not exist' })
  return found
}

function read(ctx: Context) {
  const { iface: _, ...rest } = named(ctx)
  return rest
}

function create(ctx: Context) {
  const all = visible(ctx)
  if (all.some(({ iface }) => iface === str(ctx, 'iface'))) throw badParams({ iface: 'interface already exists' })
  const priority = 1 + Math.max(2, ...all.map((one) => Number(one.priority)))
  ctx.node.pendingInterfaces = [...all, { ...described(ctx), priority }]
}

function update(ctx: Context) {
  const before = named(ctx)
  const kept = Object.fromEntries(
    Object.entries(before).filter(([key]) => !splitList(optStr(ctx, 'delete') ?? '').includes(key)),
  )
  const { address: _, netmask: __, ...rest } = kept
  const next = { ...rest, ...described(ctx), ...addressOf(optStr(ctx, 'cidr') ?? optional(kept.cidr)) }
  const { active, priority } = before
  const whole = compact({ ...next, active, priority }) as NetworkInterface
  ctx.node.pendingInterfaces = visible(ctx).map((one) => (one === before ? whole : one))
}

const optional = (value: unknown) => (value === undefined ? undefined : String(value))

function remove(ctx: Context) {
  const gone = named(ctx)
  ctx.node.pendingInterfaces = visible(ctx).filter((one) => one !== gone)
}

const PASSED = [
  ...['bond-primary', 'bond_mode', 'bond_xmit_hash_policy', 'bridge_vids', 'gateway', 'mtu', 'slaves'],
  ...['vlan-id', 'vlan-raw-device', 'ovs_ports', 'ovs_bridge', 'ovs_options', 'ovs_tag', 'ovs_bonds'],
]

/** As the list shows what was asked for. */
function described(ctx: Context): NetworkInterface {
  const type = str(ctx, 'type')
  const cidr = optStr(ctx, 'cidr')
  const comments = optStr(ctx, 'comments')
  return compact({
    iface: str(ctx, 'iface'),
    type,
    method: cidr === undefined ? 'manual' : 'static',
    method6: 'manual',
    families: ['inet'],
    autostart: ctx.params.autostart === undefined ? undefined : Number(ctx.params.autostart) || undefined,
    ...addressOf(cidr),
    ...(type === 'bridge'
      ? { bridge_ports: optStr(ctx, 'bridge_ports') ?? '', bridge_stp: 'off', bridge_fd: '0' }
      : {}),
    bridge_vlan_aware: Number(ctx.params.bridge_vlan_aware ?? 0) || undefined,
    comments: comments === undefined ? undefined : `${comments}\n`,
    ...Object.fromEntries(PASSED.map((key) => [key, optStr(ctx, key)])),
  }) as NetworkInterface
}

function addressOf(cidr: string | undefined) {
  if (cidr === undefined) return {}
  const [address, netmask] = cidr.split('/') as [string, string]
  return { cidr, address, netmask }
}

/** ifupdown2 brings up what is new at once; a host that has cut itself off stays so. */
function apply(ctx: Context) {
  return ctx.task({ type: 'srvreload', id: 'networking' }, async (task) => {
    await task.sleep(2)
    const { node } = ctx
    if (!node.pendingInterfaces) return
    node.interfaces = node.pendingInterfaces.map((one) => ({ ...one, active: 1 }))
    delete node.pendingInterfaces
  })
}

/** The interfaces of a host. */
import { badParams } from '../fault.ts'
import type { NetworkInterface } from '../model.ts'
import { type Context, optStr, type Route, str } from '../router.ts'

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/network', handler: list },
  { method: 'GET', path: '/nodes/{node}/network/{iface}', handler: read },
]

const isBridge = ({ type }: NetworkInterface) => type === 'bridge' || type === 'OVSBridge'

function list(ctx: Context) {
  const type = optStr(ctx, 'type')
  return ctx.node.interfaces
    .filter((iface) => type === undefined || matches(iface, type))
    .filter((iface) => !isBridge(iface) || mayUse(ctx, iface.iface))
    .map((iface) => ({ ...iface }))
}

function matches(iface: NetworkInterface, type: string) {
  if (type === 'any_bridge' || type === 'any_local_bridge') return isBridge(iface)
  return type === 'include_sdn' || iface.type === type
}

/** Bridges are shown to those who may plug guests into them. */
function mayUse(ctx: Context, bridge: string) {
  const path = `/sdn/zones/localnetwork/${bridge}`
  return ctx.can(path, 'SDN.Audit') || ctx.can(path, 'SDN.Use')
}

function read(ctx: Context) {
  const found = ctx.node.interfaces.find(({ iface }) => iface === str(ctx, 'iface'))
  if (!found) throw badParams({ iface: 'interface does not exist' })
  const { iface: _, ...rest } = found
  return rest
}

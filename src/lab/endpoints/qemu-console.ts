/**
 * What talks to a guest's QEMU: monitor, keys, consoles, agent. Nothing inside the lab's guests is an agent, and nobody
 * connects to a console: its task waits ten seconds and gives up, as the real one does. Recorded in guest.jsonl.gz.
 */
import { fail } from '../fault.ts'
import type { Context, Json, Route } from '../router.ts'
import { flag, str } from '../router.ts'
import { findGuest, requireRunning } from './qemu-guests.ts'

const vmidOf = (ctx: Context) => Number(ctx.params.vmid)

const FIRST_PORT = 5900

function monitor(ctx: Context): Json {
  const { qmpstatus } = requireRunning(ctx, vmidOf(ctx))
  const command = str(ctx, 'command').trim()
  if (command === 'info status') return `VM status: ${qmpstatus}\r\n`
  if (command === 'info version') return '10.0.13\r\n'
  if (command === 'info name') return `${findGuest(ctx, vmidOf(ctx)).keys.name ?? ''}\r\n`
  const [word = ''] = command.split(/\s+/)
  return word === 'info' ? 'Unknown info topic\r\n' : `unknown command: '${word}'\r\n`
}

function sendkey(ctx: Context): null {
  requireRunning(ctx, vmidOf(ctx))
  return null
}

/** The first free display port of the host. */
function takePort(ctx: Context): number {
  const open = ctx.node.tasks.filter((task) => task.type === 'vncproxy' && task.endtime === undefined)
  return FIRST_PORT + open.length
}

function ticket(ctx: Context): string {
  const time = Math.floor(ctx.now).toString(16).toUpperCase()
  return `PVEVNC:${time}::${Buffer.from(ctx.sim.random.hex(128), 'hex').toString('base64')}`
}

function vncproxy(ctx: Context): Json {
  findGuest(ctx, vmidOf(ctx))
  const port = takePort(ctx)
  const upid = ctx.task({ type: 'vncproxy', id: str(ctx, 'vmid') }, async (task) => {
    task.log(`starting vnc proxy ${task.upid}`)
    task.log(`launch command: /usr/bin/vncterm -port ${port}`)
    await task.sleep(10)
    throw fail('connection timed out')
  })
  return {
    user: ctx.auth.tokenid === undefined ? ctx.auth.userid : `${ctx.auth.userid}!${ctx.auth.tokenid}`,
    ticket: ticket(ctx),
    port: String(port),
    upid,
    cert: ctx.node.certificate.pem,
    ...(flag(ctx, 'generate-password') ? { password: ctx.sim.random.password(8) } : {}),
  }
}

/** A terminal needs a serial line in the guest's config: without one nothing ever listens on the port. */
async function termproxy(ctx: Context): Promise<Json> {
  const guest = findGuest(ctx, vmidOf(ctx))
  const port = takePort(ctx)
  const serial = Object.keys(guest.keys).some((key) => /^serial\d+$/.test(key))
  const upid = ctx.task({ type: 'vncproxy', id: str(ctx, 'vmid') }, async (task) => {
    await task.sleep(serial ? 10 : 5.5)
    throw fail(serial ? 'connection timed out' : 'unable to find a serial interface')
  })
  if (!serial) {
    await ctx.sim.clock.pause(5.8)
    throw fail(`Timeout while waiting for port '${port}' to get ready!`)
  }
  const user = ctx.auth.tokenid === undefined ? ctx.auth.userid : `${ctx.auth.userid}!${ctx.auth.tokenid}`
  return { user, ticket: ticket(ctx), port: String(port), upid }
}

const ENABLED = /^(1|enabled=1)(,|$)/

/** No agent is configured, or it does not answer. */
function agent(ctx: Context): never {
  const guest = findGuest(ctx, vmidOf(ctx))
  if (!ENABLED.test(String(guest.keys.agent ?? ''))) throw fail('No QEMU guest agent configured')
  if (!ctx.node.processes.has(guest.vmid)) throw fail(`VM ${guest.vmid} is not running`)
  throw fail('QEMU guest agent is not running')
}

const ASKED = [
  ...['get-fsinfo', 'get-host-name', 'get-memory-block-info', 'get-memory-blocks', 'get-osinfo', 'get-time'],
  ...['get-timezone', 'get-users', 'get-vcpus', 'info', 'network-get-interfaces', 'exec-status', 'file-read'],
]

const TOLD = [
  ...['fsfreeze-freeze', 'fsfreeze-status', 'fsfreeze-thaw', 'fstrim', 'ping', 'shutdown', 'suspend-disk'],
  ...['suspend-hybrid', 'suspend-ram', 'set-user-password', 'exec', 'file-write'],
]

const VM = '/nodes/{node}/qemu/{vmid}'

export const routes: Route[] = [
  { method: 'POST', path: `${VM}/monitor`, handler: monitor },
  { method: 'PUT', path: `${VM}/sendkey`, handler: sendkey },
  { method: 'POST', path: `${VM}/vncproxy`, handler: vncproxy },
  { method: 'POST', path: `${VM}/termproxy`, handler: termproxy },
  { method: 'GET', path: `${VM}/agent`, handler: () => [...ASKED, ...TOLD].map((name) => ({ name })) },
  { method: 'POST', path: `${VM}/agent`, handler: agent },
  ...ASKED.map((name): Route => ({ method: 'GET', path: `${VM}/agent/${name}`, handler: agent })),
  ...TOLD.map((name): Route => ({ method: 'POST', path: `${VM}/agent/${name}`, handler: agent })),
]

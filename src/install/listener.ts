import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Release } from '../core/answer-schema.ts'

/** What a machine says of itself. */
export interface Machine {
  serial: string
  macs: string[]
  /** Of the installer; absent where it does not say. */
  release?: Release
}

/** `misfit`: the installer would not take the file that there is. */
export type Refusal = 'no-window' | 'wrong-machine' | 'served-before' | 'misfit'

export interface InstallPorts {
  /** The answer file, once, for the machine that it is for; everything else is refused, and told to people. */
  ask(token: string, machine: Machine, from: string): Promise<{ answer: string } | { refused: Refusal }>
  /** The machine has been installed; false: nobody waits for that. */
  installed(token: string, machine: Machine, address: string | undefined): Promise<boolean>
  log: { error(about: object, text: string): void }
}

const mostBytes = 256 * 1024

/**
 * Where Proxmox's installer asks for its answer file, and where it says that it has ended. Nothing else is here: an
 * address without a window open answers as one that does not exist.
 */
export function installListener({ ask, installed, log }: InstallPorts): Hono {
  const app = new Hono()
  app.use('*', bodyLimit({ maxSize: mostBytes, onError: (c) => c.body(null, 413) }))
  app.post('/answer/:token', async (c) => {
    const machine = readMachine(await c.req.text())
    if (!machine) return c.body(null, 400)
    const result = await ask(c.req.param('token'), machine, addressOf(c))
    if ('answer' in result) {
      return c.body(result.answer, 200, { 'content-type': 'application/toml', 'cache-control': 'no-store' })
    }
    return c.body(null, result.refused === 'no-window' ? 404 : 403)
  })
  app.post('/installed/:token', async (c) => {
    const body = await c.req.text()
    const machine = readMachine(body)
    if (!machine) return c.body(null, 400)
    return c.body(null, (await installed(c.req.param('token'), machine, managementAddress(body))) ? 200 : 404)
  })
  app.notFound((c) => c.body(null, 404))
  app.onError((error, c) => {
    // Without the path: it holds the token.
    log.error({ error: error.name }, 'an installer could not be answered')
    return c.body(null, 503)
  })
  return app
}

const addressOf = (c: Context): string =>
  (c.env as { incoming?: { socket?: { remoteAddress?: string } } }).incoming?.socket?.remoteAddress ?? '?'

/** Serial and MACs, from the installer's question (`network_interfaces`) or its report (`network-interfaces`). */
export function readMachine(body: string): Machine | undefined {
  const said = parsed(body)
  const serial = said?.dmi?.system?.serial
  const cards = said?.network_interfaces ?? said?.['network-interfaces']
  if (typeof serial !== 'string' || !Array.isArray(cards)) return undefined
  const macs = cards.flatMap((card) => (typeof card?.mac === 'string' ? [card.mac.toLowerCase()] : []))
  const release = releaseIn(said)
  return { serial: serial.trim().slice(0, 128), macs: macs.slice(0, 64), ...(release ? { release } : {}) }
}

/** `9.1` of its medium. */
function releaseIn(said: Report | undefined): Release | undefined {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,3})/.exec(String(said?.iso?.release ?? '')) ?? []
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) }
}

/** Of the card that the installer has put the management address on. */
function managementAddress(body: string): string | undefined {
  const cards = parsed(body)?.['network-interfaces']
  if (!Array.isArray(cards)) return undefined
  const address = cards.find((card) => card?.['is-management'] === true)?.address
  return typeof address === 'string' && /^[\da-fA-F.:/]{2,64}$/.test(address) ? address : undefined
}

interface Report {
  iso?: { release?: unknown }
  dmi?: { system?: { serial?: unknown } }
  network_interfaces?: unknown
  'network-interfaces'?: unknown
}

function parsed(body: string): (Report & Record<string, { mac?: unknown; address?: unknown }[]>) | undefined {
  try {
    const said: unknown = JSON.parse(body)
    return typeof said === 'object' && said !== null ? (said as never) : undefined
  } catch {
    return undefined
  }
}

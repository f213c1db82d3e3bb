/**
 * What no Proxmox has: the hand at the plug. `GET /api/lab`, `POST /api/lab/nodes/NAME`, `/api/lab/clock`,
 * `/api/lab/reset`; served alone by `quorum sim`, and mounted by the lab's web chat.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { MAX_SPEED } from './clock.ts'
import { labState } from './lab-state.ts'
import { type Backing, backingKey, nodeByName, type SimCluster } from './model.ts'
import { cutNetwork, cutPower, healNetwork, powerOn } from './power.ts'
import { SCENARIOS } from './scenarios.ts'
import type { RunningSim } from './sim.ts'

const NodeChange = z
  .strictObject({ power: z.enum(['on', 'off']).optional(), network: z.enum(['cut', 'up']).optional() })
  .refine((change) => change.power !== undefined || change.network !== undefined, 'power or network is needed')
const ClockChange = z.strictObject({ speed: z.number().min(0).max(MAX_SPEED) })
const StorageChange = z.strictObject({ network: z.enum(['cut', 'up']), node: z.string().optional() })
const Reset = z.strictObject({ scenario: z.enum(SCENARIOS) })

/** Every POST answers with the new state of the lab. `base` is where the routes lie. */
export function labRoutes(sim: Pick<RunningSim, 'cluster' | 'reset' | 'listeners'>, base = '/api/lab') {
  const app = new Hono().basePath(base)
  const { cluster } = sim
  app.get('/', (c) => c.json(labState(cluster)))
  app.post('/nodes/:name', async (c) => {
    const change = await read(c, NodeChange)
    if ('error' in change) return c.json(change, 400)
    const node = nodeByName(cluster, c.req.param('name'))
    if (!node)
      return c.json(
        unknownNode(
          c.req.param('name'),
          cluster.nodes.map(({ name }) => name),
        ),
        404,
      )
    if (change.body.power === 'off') cutPower(cluster, node)
    if (change.body.power === 'on') powerOn(cluster, node)
    if (change.body.network === 'cut') cutNetwork(cluster, node)
    if (change.body.network === 'up') healNetwork(cluster, node)
    return c.json(labState(cluster))
  })
  // Where the guest is heard while it is up, for whoever measures what its users would notice.
  app.get('/guests/:vmid/probe', async (c) => {
    const port = await sim.listeners.of(Number(c.req.param('vmid')))
    return port === undefined
      ? c.json(unknownGuest(c.req.param('vmid')), 404)
      : c.json({ tcp: { host: '127.0.0.1', port } })
  })
  app.post('/storages/:name', async (c) => {
    const change = await read(c, StorageChange)
    if ('error' in change) return c.json(change, 400)
    const { network, node } = change.body
    const boxes = boxesOf(cluster, c.req.param('name'))
    if (boxes.length === 0) return c.json(unknownStorage(c.req.param('name'), [...cluster.shared.keys()]), 404)
    for (const box of boxes) setReach(box, network === 'up', node)
    return c.json(labState(cluster))
  })
  app.post('/clock', async (c) => {
    const change = await read(c, ClockChange)
    if ('error' in change) return c.json(change, 400)
    cluster.clock.setSpeed(change.body.speed)
    return c.json(labState(cluster))
  })
  app.post('/reset', async (c) => {
    const change = await read(c, Reset)
    if ('error' in change) return c.json(change, 400)
    await sim.reset(change.body.scenario)
    return c.json(labState(cluster))
  })
  return app
}

interface ApiError {
  error: { code: string; says: string; hint: string }
}

async function read<T>(c: Context, schema: z.ZodType<T>): Promise<{ body: T } | ApiError> {
  if (!/^application\/json(;|$)/i.test(c.req.header('content-type') ?? '')) {
    return malformed('The body is not application/json.', schema)
  }
  const parsed = schema.safeParse(await c.req.json().catch(() => undefined))
  return parsed.success ? { body: parsed.data } : malformed(z.prettifyError(parsed.error), schema)
}

const EXAMPLES = new Map<z.ZodType, string>([
  [NodeChange, '{"power":"off"}, {"power":"on"}, {"network":"cut"} or {"network":"up"}'],
  [ClockChange, '{"speed":10}'],
  [StorageChange, '{"network":"cut"} or {"network":"up"}, with "node" for that one node alone'],
  [Reset, `{"scenario":"${SCENARIOS.join('|')}"}`],
])

const malformed = (says: string, schema: z.ZodType): ApiError => ({
  error: { code: 'malformed', says, hint: `Send ${EXAMPLES.get(schema)}.` },
})

const unknownGuest = (name: string): ApiError => ({
  error: { code: 'unknown-guest', says: `The lab has no guest ${name}.`, hint: 'GET /api/lab lists them.' },
})

const unknownStorage = (name: string, names: string[]): ApiError => ({
  error: { code: 'unknown-storage', says: `The lab has no storage ${name}.`, hint: `It has ${names.join(', ')}.` },
})

const unknownNode = (name: string, names: string[]): ApiError => ({
  error: { code: 'unknown-node', says: `The lab has no node ${name}.`, hint: `It has ${names.join(', ')}.` },
})

/** The array or NAS behind a storage of that name; before a storage.cfg names it, by its own key or the beginning of it. */
function boxesOf(sim: SimCluster, name: string): Backing[] {
  const keys = new Set<string>()
  for (const { config } of sim.nodes) {
    const entry = config.storages.get(name)
    const key = entry && backingKey(entry)
    if (key !== undefined) keys.add(key)
  }
  return [...sim.shared].flatMap(([key, box]) => (keys.has(key) || key.startsWith(`${name}:`) ? [box] : []))
}

/** For one node or for all of them. */
function setReach(box: Backing, isReached: boolean, node: string | undefined) {
  if (node === undefined) {
    box.unreachable = !isReached
    if (isReached) delete box.lostBy
    return
  }
  const lostBy = new Set(box.lostBy)
  if (isReached) lostBy.delete(node)
  else lostBy.add(node)
  box.lostBy = lostBy
}

export interface ControlServer {
  url: string
  close(): Promise<void>
}

/** On loopback only, for callers that address it as such: a page of another site must not switch nodes off. */
export async function serveControl(sim: RunningSim, port: number): Promise<ControlServer> {
  const app = new Hono()
  let own = ''
  app.use(async (c, next) => {
    const origin = c.req.header('origin')
    const host = (c.req.header('host') ?? '').replace(/^localhost:/, '127.0.0.1:')
    if (`http://${host}` === own && (origin === undefined || origin.replace('//localhost:', '//127.0.0.1:') === own)) {
      return next()
    }
    const hint = `Call ${own}/api/lab from this machine.`
    return c.json({ error: { code: 'foreign-origin', says: 'This address is not for other sites.', hint } }, 403)
  })
  app.route('/', labRoutes(sim))
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: own,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

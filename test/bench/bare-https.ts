import { Agent, request } from 'undici'

export interface HttpsOrders {
  endpoint: string
  ca: string
  token: { id: string; secret: string }
  times: number
}

export interface HttpsTimes {
  /** Milliseconds each, until the answer's last byte. */
  kept: number[]
  fresh: number[]
}

/** One small GET after another to the simulator: on a connection that is kept, and each on a new one with its handshake. */
export function main(): void {
  process.once('message', async (orders: HttpsOrders) => {
    const kept = new Agent({ connect: { ca: orders.ca } })
    const fresh = new Agent({ connect: { ca: orders.ca, maxCachedSessions: 0 }, pipelining: 0 })
    const times: HttpsTimes = { kept: [], fresh: [] }
    await timed(kept, orders)
    for (let i = 0; i < orders.times; i++) {
      times.kept.push(await timed(kept, orders))
      times.fresh.push(await timed(fresh, orders))
    }
    process.send?.(times)
  })
  process.once('disconnect', () => process.exit(0))
}

async function timed(dispatcher: Agent, { endpoint, token }: HttpsOrders): Promise<number> {
  const start = performance.now()
  const headers = { authorization: `PVEAPIToken=${token.id}=${token.secret}` }
  const reply = await request(`${endpoint}/api2/json/version`, { dispatcher, headers })
  await reply.body.text()
  if (reply.statusCode !== 200) throw new Error(`the simulator answered ${reply.statusCode}`)
  return performance.now() - start
}

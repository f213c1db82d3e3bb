import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Hono } from 'hono'

/** Hands the requests of one path, untouched, to somebody who answers them as Node gives them. */
export function mount(
  app: Hono,
  path: string,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  app.post(path, (c) => {
    const { incoming, outgoing } = c.env as HttpBindings
    listener(incoming, outgoing as ServerResponse)
    return RESPONSE_ALREADY_SENT
  })
}

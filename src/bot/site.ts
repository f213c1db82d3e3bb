import type { IncomingMessage, ServerResponse } from 'node:http'
import { type House, openSecrets } from '../app.ts'
import { health, listenHealth } from '../http/health.ts'
import { proxmoxHook } from '../http/hooks.ts'
import { mount } from '../http/mount.ts'
import { pagerHook } from '../http/pager-hook.ts'
import { secretPages } from '../http/secrets.ts'
import { longestSecret } from '../jobs/secret-box.ts'
import { pagerSays } from '../oncall.ts'

/** Serves health, metrics, one-time links and what Slack sends over HTTP; undefined where its port is taken. */
export async function openSite(parts: {
  house: House
  incidents: Parameters<typeof pagerSays>[1]
  slack: SlackParts | undefined
  discord: { connected(): boolean } | undefined
  /** By cluster. */
  logs: ReadonlyMap<string, { wake(): Promise<void> }>
  metrics: () => Promise<string>
}): Promise<{ url: string; close(): Promise<void> } | undefined> {
  const { house, incidents, slack, discord } = parts
  const { listen, publicUrl, tls, hooks } = house.config.http
  const state = () => {
    const troubles = slack?.troubles() ?? []
    const slackTroubles = troubles.length > 0 ? troubles : undefined
    return { slack: slack?.connected(), slackTroubles, discord: discord?.connected() }
  }
  const site = health(house.patient, state, publicUrl, parts.metrics)
  if (slack?.requests) mount(site, '/slack/events', slack.requests)
  const hookSecret = house.config.oncall.pager?.hookSecret
  if (hookSecret) pagerHook(site, hookSecret, pagerSays({ ...house, redis: house.patient }, incidents))
  if (publicUrl !== undefined) {
    const box = openSecrets(house, house.prompt)
    site.route('/', secretPages({ box, publicUrl, longest: longestSecret, log: house.log }))
  }
  if (hooks?.proxmox?.secret) {
    const { logs } = parts
    const { secret } = hooks.proxmox
    site.route('/', proxmoxHook({ secret, clusters: [...logs.keys()], wake: async (name) => logs.get(name)?.wake() }))
  }
  try {
    const server = await listenHealth(site, listen, tls)
    const url = `http${tls ? 's' : ''}://${listen.host}:${server.port}`
    house.log.info({ url }, 'health and links')
    return { url, close: server.close }
  } catch (error) {
    // Over HTTP, Slack speaks to this very port: without it the bot would be deaf.
    if (slack?.requests) throw error
    house.log.warn({ error: (error as Error).message }, 'health is not served')
    return undefined
  }
}

interface SlackParts {
  connected(): boolean
  troubles(): string[]
  requests?: (request: IncomingMessage, response: ServerResponse) => void
}

import { randomBytes, randomUUID } from 'node:crypto'
import { explainer, type House } from '../app.ts'
import { webCarrier } from '../chat/web/carrier.ts'
import { listen, webChat } from '../chat/web/server.ts'
import type { Config, Environment } from '../config.ts'
import { complete } from '../core/complete.ts'
import { spoken } from '../core/language.ts'
import { seen } from '../core/pools.ts'
import { holds } from '../core/roles.ts'
import { ChannelLog } from '../jobs/channel-log.ts'
import type { Carrier } from '../jobs/delivery.ts'
import type { Inbox } from '../jobs/inbox.ts'
import { CardStore } from '../jobs/outbox.ts'
import { RedisPreferences } from '../jobs/preferences.ts'
import { WebSignIn } from '../jobs/web-sign-in.ts'
import { channelsOf, type Readers, remember } from './places.ts'

/** Serves the web chat and delivers there, if there is one. */
export async function openWeb(parts: {
  config: Config
  environment: Environment
  house: House
  readers: Readers
  inbox: Inbox
  deliver: (carrier: Carrier) => void
  lab: boolean
}): Promise<{ url: string; close(): Promise<void> } | undefined> {
  const { config, house } = parts
  const at = config.chat.web?.listen
  if (!at) return undefined
  const channels = new ChannelLog(house.patient, house.subscriber, house.prefix, Date.now)
  parts.deliver(webCarrier(channels))
  const server = await listenFrom(chatOf(parts, channels), at, parts.lab)
  const url = `http://${at.host}:${server.port}`
  house.log.info({ url }, 'web chat')
  return { url, close: server.close }
}

function chatOf(
  { config, environment, house, readers, inbox }: Omit<Parameters<typeof openWeb>[0], 'deliver'>,
  channels: ChannelLog,
) {
  const { prompt, subscriber, prefix, seal, access } = house
  // Who waits for an answer over HTTP is told at once that Redis is away.
  const log = new ChannelLog(prompt, subscriber, prefix, Date.now)
  const cards = new CardStore(prompt, prefix)
  return webChat({
    inbox,
    channels: {
      write: (...a) => log.write(...a),
      after: (...a) => log.after(...a),
      listen: (...a) => channels.listen(...a),
    },
    channelOf: async (card) => {
      const stored = await cards.get(card)
      return stored?.target.startsWith('web:') ? stored.target.slice('web:'.length) : undefined
    },
    complete: completer(house, config, readers, new RedisPreferences(prompt, prefix, access)),
    labControl: environment.labControl,
    signIn: config.chat.web!.signIn,
    sessions: new WebSignIn({ redis: prompt, prefix, seal, now: Date.now, random: randomBytes }),
    publicUrl: config.http.publicUrl,
    newId: () => randomUUID().replaceAll('-', '').slice(0, 20),
    explain: explainer(config),
    report: house.report,
  })
}

/** The address of the configuration; in the lab the next free port where that one is taken. */
async function listenFrom(app: ReturnType<typeof webChat>, at: { host: string; port: number }, tryNext: boolean) {
  for (let port = at.port; ; port++) {
    try {
      return await listen(app, { host: at.host, port })
    } catch (error) {
      const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!taken || !tryNext || port >= at.port + 20) throw error
    }
  }
}

/** What could come next in a line, from the commands this person may run and the live cluster, remembered briefly. */
function completer(house: House, config: Config, readers: Readers, preferences: RedisPreferences) {
  const remembered = remember(readers)
  const channels = channelsOf(config)
  return async (ask: { identity: string; channel: string; text: string; locales: string[] }) => {
    const cluster = channels.clusterOf(ask.channel) ?? (readers.names.length === 1 ? readers.names[0] : undefined)
    const place = { cluster, channel: ask.channel }
    const role = await house.access.roleOf(ask.identity, place)
    const pools = holds(role, 'viewer') ? [] : await house.access.poolsOf(ask.identity, place, 'viewer')
    const poolRole = await house.access.roleOf(ask.identity, { ...place, pools })
    const proxmox = cluster === undefined ? undefined : remembered.get(cluster)
    const language = (await preferences.language(ask.identity)) ?? spoken(...ask.locales) ?? 'en'
    return complete(ask.text, house.catalogue, {
      language,
      proxmox: proxmox && (pools.length > 0 ? seen(proxmox, pools) : proxmox),
      may: ({ command }) => holds(command.pools === undefined ? role : poolRole, command.role),
      most: 20,
    })
  }
}

import type { House } from '../app.ts'
import type { Config } from '../config.ts'
import type { Forms } from '../core/forms.ts'
import { type Carrier, Gone, Throttled } from '../jobs/delivery.ts'
import type { Inbox } from '../jobs/inbox.ts'
import { markOfLab } from './places.ts'

/** Slack's SDK is loaded only where it is used: it takes longer to load than the rest of the bot. */
export async function openSlackClients({ chat, roles }: Config, { log }: House) {
  const { botToken, apiUrl } = chat.slack ?? {}
  if (!botToken) {
    log.info('Slack is off: it has no token')
    return undefined
  }
  const { openClients } = await import('../chat/slack/slack.ts')
  const who = roles.flatMap((grant) => grant.who)
  const groups = who.some((name) => name.startsWith('slack:group:'))
  return openClients({ botToken, apiUrl, log, names: { members: who.includes('slack:*'), groups } })
}

export const slackScopes = async (client: Parameters<typeof import('../chat/slack/scopes.ts').lookAtScopes>[0]) =>
  (await import('../chat/slack/scopes.ts')).lookAtScopes(client)

/** Listens to Slack, and delivers there. */
export async function openSlack(parts: {
  config: Config
  inbox: Inbox
  house: House
  deliver: (carrier: Carrier) => void
  forms: Forms
  clients: NonNullable<Awaited<ReturnType<typeof openSlackClients>>>
  lab: boolean
  tempo: number
}) {
  const { config, inbox, house, forms, clients, lab, tempo } = parts
  const simulated = markOfLab(config, lab)
  const { connectSlack } = await import('../chat/slack/slack.ts')
  const { slackCarrier } = await import('../chat/slack/carrier.ts')
  const { Pace } = await import('../chat/slack/pace.ts')
  const { botToken, ...access } = config.chat.slack!
  const slack = await connectSlack({
    ...access,
    botToken: botToken!,
    clients,
    inbox,
    forms,
    cardOf: (event) => `c-${house.seal.name(event)}`,
    log: house.log,
  })
  parts.deliver(
    slackCarrier({
      clients,
      condition: clients.condition,
      responses: clients.responses,
      pace: new Pace(() => Date.now() * tempo),
      errors: { throttled: (ms) => new Throttled(ms), gone: (reason) => new Gone(reason) },
      ...(simulated ? { simulated } : {}),
    }),
  )
  return slack
}

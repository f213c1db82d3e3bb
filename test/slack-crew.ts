import { startBot } from '../src/bot.ts'
import { botScopes } from '../src/chat/slack/manifest.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import { localMembership } from '../src/membership.ts'
import { startWorker } from '../src/worker.ts'
import type { Crew } from './crew.ts'
import { type SlackStandIn, type SlackStandInOptions, startSlack, textsIn } from './stand-ins/slack/index.ts'

/** A workspace with the people and channels of these tests. */
export const workspace = (more: Partial<SlackStandInOptions> = {}): Promise<SlackStandIn> =>
  startSlack({
    users: [
      { name: 'ana', locale: 'es-EC' },
      { name: 'luis', locale: 'en-US' },
      { name: 'eva', locale: 'en-US' },
      { name: 'guest', isRestricted: true },
      { name: 'stranger', isStranger: true },
    ],
    channels: [
      { name: 'ops' },
      { name: 'other' },
      { name: 'still' },
      { name: 'private', isPrivate: true, hasBot: false },
    ],
    // Exactly what the manifest asks for: what works here works with no more.
    scopes: [...botScopes],
    ...more,
  })

/** ana and luis are operators, eva sees. */
export function chatOf(slack: SlackStandIn, more: object = {}, how: 'socket' | 'http' = 'socket') {
  const { botToken, appToken, apiUrl, signingSecret, users } = slack
  return {
    chat: { slack: { botToken, apiUrl, ...(how === 'socket' ? { appToken } : { signingSecret }) }, web: webChat },
    roles: [
      { role: 'operator', who: [`slack:${users.ana}`, `slack:${users.luis}`] },
      { role: 'viewer', who: [`slack:${users.eva}`] },
    ],
    ...more,
  }
}

const webChat = { listen: '127.0.0.1:0', signIn: 'none' }

async function partsOf(crew: Crew, role: 'bot' | 'worker', prefix: string, more: object) {
  const env = await crew.environment(prefix, more)
  const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) }
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  return { config: loadConfig({ role, env }), environment, key, membership: localMembership(true) }
}

/** A worker in this process. */
export const inProcessWorker = async (crew: Crew, prefix: string, more: object) =>
  startWorker(await partsOf(crew, 'worker', prefix, more))

/** A bot in this process, with the address of its own HTTP. */
export const inProcessBot = async (
  crew: Crew,
  prefix: string,
  more: object,
  how: { lab?: boolean; tempo?: number } = {},
) => startBot({ ...(await partsOf(crew, 'bot', prefix, more)), ...how })

/** What people read in a message. */
export const read = (shown: { blocks: unknown } | undefined): string => textsIn(shown?.blocks ?? []).join(' ')

/** The newest message of a channel whose text fits. */
export const cardWith = (slack: SlackStandIn, channel: string, text: string) =>
  slack.until(() => slack.messages(channel).findLast((message) => read(message).includes(text)), 20_000)

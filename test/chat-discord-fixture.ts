import { expect, onTestFinished } from 'vitest'
import { loadCatalogue } from '../src/app.ts'
import { connectDiscord, type DiscordConnection, discordMembership } from '../src/chat/discord/discord.ts'
import { live } from '../src/chat/discord/live.ts'
import type { Clicked, Said } from '../src/core/events.ts'
import type { Message } from '../src/core/message.ts'
import type { ProxmoxPort } from '../src/core/ports.ts'
import { Access } from '../src/core/roles.ts'
import { Secret } from '../src/core/secret.ts'
import { Gone, Throttled } from '../src/jobs/delivery.ts'
import { type DiscordStandIn, type DiscordStandInOptions, startDiscord } from './stand-ins/discord/index.ts'

export const catalogue = await loadCatalogue()

/** A cluster as completion and forms see it. */
export const proxmox = {
  resources: async () => ({
    nodes: ['pve1', 'pve2', 'pve3'].map((name) => ({ name, status: name === 'pve3' ? 'offline' : 'online' })),
    storages: [{ storage: 'nas', node: 'pve1', shared: true, content: ['iso', 'images'], status: 'available' }],
    guests: [
      { vmid: 101, name: 'web1', node: 'pve1', status: 'running' },
      { vmid: 100, name: '@everyone <b>', node: 'pve2', status: 'stopped' },
      ...Array.from({ length: 40 }, (_, i) => ({ vmid: 200 + i, name: `many${i}`, node: 'pve1', status: 'running' })),
    ],
  }),
  storageContents: async () => [{ volid: 'nas:iso/debian-12.iso' }],
} as unknown as ProxmoxPort

const silent = { ...proxmox, resources: () => new Promise(() => {}) } as unknown as ProxmoxPort

/** One card as delivery hands it over. */
export interface Sent {
  key: string
  target: string
  message: Message
  thread?: string
  onlyTo?: string
}

export interface Adapter {
  discord: DiscordStandIn
  connection: DiscordConnection
  carrier: ReturnType<DiscordConnection['carrier']>
  groupsOf(identity: string): Promise<readonly string[]>
  /** What reached the inbox, each event once; `deliveries` counts the repeated ones too. */
  said: Said[]
  clicked: Clicked[]
  deliveries: string[]
  /** What is stored, for forms and the names of threads. */
  cards: Map<string, { message: Message }>
  logged: string[]
  /** Makes the inbox fail. */
  redis: { isGone: boolean }
  /** Makes the cluster answer nothing. */
  cluster: { hangs: boolean }
  /** A card in the channel `general`, with the key `c-1`. */
  card(message: Message, more?: Partial<Sent>): Sent
  /** Moves both clocks. */
  advance(ms: number): void
}

export const cardOf = { said: (event: string) => `c-${event}`, clicked: (event: string) => `r-${event}` }

/** The adapter on the real discord.js, connected to a stand-in; ana is an operator by her role, eva has none. */
export async function adapter(options: Partial<DiscordStandInOptions> & { guilds?: string[] } = {}): Promise<Adapter> {
  const discord = await startDiscord({
    users: [
      { name: 'ana', locale: 'es-ES', roles: ['ops'] },
      { name: 'eva', locale: 'en-US' },
      { name: 'bot', isBot: true, roles: ['ops'] },
      { name: 'new', isPending: true },
      { name: 'guest', isGuest: true },
      { name: 'stranger', isStranger: true },
    ],
    channels: [{ name: 'general' }, { name: 'closed', lacks: ['send'] }, { name: 'flat', lacks: ['threads'] }],
    roles: ['ops'],
    guildLocale: 'en-GB',
    ...options,
  })
  onTestFinished(() => discord.close())
  return connect(discord, options.guilds ?? [discord.guildId])
}

export async function connect(discord: DiscordStandIn, guilds: string[]): Promise<Adapter> {
  let offsetMs = 0
  const now = () => Date.now() + offsetMs
  const logged: string[] = []
  const note = (about: object, text: string) => void logged.push(`${text} ${JSON.stringify(about)}`)
  const log = { info: () => {}, warn: note, error: note }
  const inbox = memoryInbox()
  const cards = new Map<string, { message: Message }>()
  const cluster = { hangs: false }
  const access = { token: new Secret(discord.token), guilds, apiUrl: discord.apiUrl }
  const membership = discordMembership({ ...access, now, log })
  const ops = [{ role: 'operator' as const, who: [`discord:role:${discord.roles.ops}`] }]
  const rights = new Access(ops, [], membership)
  const connection = await connectDiscord({
    ...access,
    ...inbox.ports,
    membership,
    catalogue,
    clusters: ['main'],
    card: async (key) => cards.get(key),
    note: async () => undefined,
    cardOf,
    now,
    log,
    live: live({
      catalogue,
      clusters: ['main'],
      access: rights,
      clusterOf: () => undefined,
      taken: () => undefined,
      proxmox: () => (cluster.hangs ? silent : proxmox),
      languageOf: async (_, locales) => (locales[0]?.startsWith('es') ? 'es' : 'en'),
      jobs: { list: async () => [] },
    }),
  })
  onTestFinished(() => connection.close())
  const errors = { throttled: (ms: number) => new Throttled(ms), gone: (reason: string) => new Gone(reason) }
  return {
    discord,
    connection,
    carrier: connection.carrier(errors),
    groupsOf: (identity) => membership.groupsOf(identity),
    ...inbox,
    cards,
    cluster,
    logged,
    card: (message, more) => ({ key: 'c-1', target: `discord:${discord.channels.general}`, message, ...more }),
    advance(ms) {
      offsetMs += ms
      discord.advance(ms)
    },
  }
}

function memoryInbox() {
  const said: Said[] = []
  const clicked: Clicked[] = []
  const deliveries: string[] = []
  const redis = { isGone: false }
  const take = async <E extends { event: string }>(list: E[], event: E) => {
    if (redis.isGone) throw new Error('Connection is closed.')
    deliveries.push(event.event)
    if (!list.some((known) => known.event === event.event)) list.push(event)
  }
  const ports = {
    inbox: { said: (event: Said) => take(said, event), clicked: (event: Clicked) => take(clicked, event) },
  }
  return { ports, said, clicked, deliveries, redis }
}

/** discord.js puts these into answers to interactions, where Discord ignores them. */
const ownOfTheSdk = /\.(tts|enforce_nonce)$/

/** No rule broken, nobody woken, nothing sent that Discord does not know. */
export function isClean(discord: DiscordStandIn): void {
  expect(discord.violations).toEqual([])
  expect(discord.unknown.filter((key) => !ownOfTheSdk.test(key))).toEqual([])
  const shown = ['general', 'flat'].flatMap((channel) => discord.messages(channel))
  expect(shown.flatMap(({ pings }) => pings)).toEqual([])
}

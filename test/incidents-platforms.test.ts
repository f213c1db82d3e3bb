import { afterAll, beforeAll, expect, test } from 'vitest'
import { openHouse, openIncidents, openWriters } from '../src/app.ts'
import { loadConfig, parseRedisUrl, readEnvironment } from '../src/config.ts'
import type { ClusterEvent, EventKind } from '../src/ha/event.ts'
import { severityOf } from '../src/ha/severity.ts'
import { EventLog } from '../src/jobs/event-log.ts'
import { localMembership } from '../src/membership.ts'
import { keepOncall } from '../src/oncall.ts'
import { keepIncidents } from '../src/worker/incidents.ts'
import { Crew } from './crew.ts'
import { cardWith, read, workspace } from './slack-crew.ts'
import { buttonsIn, type DiscordStandIn, startDiscord, textOf } from './stand-ins/discord/index.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn
let discord: DiscordStandIn

beforeAll(async () => {
  crew = await Crew.start()
  slack = await workspace()
  discord = await startDiscord({
    users: [
      { name: 'luis', locale: 'en-US' },
      { name: 'eva', locale: 'en-US' },
    ],
    channels: [{ name: 'ops' }],
  })
})

afterAll(async () => {
  await Promise.all([discord.close(), slack.close()])
  await crew.close()
})

const settings = () => ({
  chat: {
    slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl },
    discord: { token: discord.token, guilds: [discord.guildId], apiUrl: discord.apiUrl },
    web: { listen: '127.0.0.1:0', signIn: 'none' },
  },
  channels: [
    { cluster: 'main', post: [`slack:${slack.channels.ops}`], language: 'es' },
    { cluster: 'main', post: [`discord:${discord.channels.ops}`, 'web:ops'] },
  ],
  people: [
    { name: 'ana', ids: [`slack:${slack.users.ana}`], language: 'es' },
    { name: 'luis', ids: [`discord:${discord.users.luis}`, 'web:luis'] },
  ],
  roles: [
    // Where the card stands, and so in the message that calls her too.
    { role: 'operator', who: ['ana'], channels: [`slack:${slack.channels.ops}`] },
    { role: 'operator', who: ['luis'] },
    { role: 'viewer', who: [`discord:${discord.users.eva}`, 'web:eva'] },
  ],
  oncall: {
    rotation: { everyone: ['ana', 'luis'], handoff: 'mon 09:00' },
    policy: { critical: [{ after: '0s', notify: ['channel', 'person', 'next'] }] },
  },
})

/** A worker's keepers of incidents and of who is on call, and the watcher's pen. */
async function keeper(prefix: string) {
  const env = await crew.environment(prefix, settings())
  const environment = { ...readEnvironment({ ...env, LOG_LEVEL: 'silent' }), redis: parseRedisUrl(crew.redis.url) }
  const config = loadConfig({ role: 'worker', env })
  const key = Buffer.from(env.QUORUM_KEY!, 'hex')
  const house = await openHouse({ config, environment, key, name: 'keeper', membership: localMembership(true) })
  const keepers = keepIncidents(house, openWriters(config), false)
  const oncall = keepOncall(house, openIncidents(house, false))
  const log = new EventLog({ ...house, redis: house.patient, cluster: 'main' })
  let count = 0
  const tell = async (kind: EventKind, more: Partial<ClusterEvent>) => {
    const at = new Date(Date.UTC(2026, 0, 1, 0, 0, count)).toISOString()
    const event = { kind, cluster: 'main', key: `k${++count}`, severity: severityOf({ kind, ...more }), at, ...more }
    const fence = await log.take('test', 60_000)
    expect(await log.append(fence!, await log.kept(), {}, [event])).toBeDefined()
  }
  const close = async () => {
    await Promise.all([oncall.close(), ...keepers.map((one) => one.stop())])
    await house.close()
  }
  return { tell, close }
}

const onDiscord = (part: string) =>
  discord.until(() => discord.messages('ops').find((message) => textOf(message).includes(part)), 20_000)

test('one incident on Slack, Discord and the web: acknowledged on one, shown on all; noted, resolved, exported', async () => {
  const bot = await crew.bot('platforms', settings())
  const { tell, close } = await keeper('platforms')
  await tell('node.lost', { node: 'pve1' })
  const onSlack = await cardWith(slack, 'ops', 'pve1 no está')
  const inDiscord = await onDiscord('pve1 is gone')
  const web = await bot.card(({ incident, thread }) => incident !== undefined && !thread, 'the card', 'ops')
  const id = web.message.incident!

  // Whoever is on call is called by name, and may acknowledge there.
  const dm = await slack.dm('ana')
  const called = await cardWith(slack, dm, 'pve1 no está')
  await discord.until(() => discord.calls('create_dm').length > 0, 20_000)
  const calledToo = await discord.until(() => discord.messages('dm-luis')[0], 20_000)
  expect(textOf(calledToo)).toContain('pve1 is gone')
  for (const proof of ['ana (slack)', 'luis (discord)']) await cardWith(slack, 'ops', proof)
  await slack.click({ user: 'ana', target: called, actionId: 'ack' })
  await discord.until(() => textOf(inDiscord).includes('acknowledged by ana'))
  await discord.until(() => textOf(calledToo).includes('acknowledged by ana'))
  await slack.until(() => read(slack.messages(dm)[0]).includes('lo atiende ana'))
  await slack.until(() => read(cardOf(onSlack.ts)).includes('lo atiende ana'))
  const acked = await bot.card(
    ({ incident, state, thread }) => incident === id && state === 'waiting' && !thread,
    'the acknowledgement',
    'ops',
  )
  expect(acked.message.actions?.map((action) => action.id)).toEqual(['note', 'resolve'])

  expect(await bot.click('luis', web.id, 'ack')).toBe(202)
  const late = await bot.card(({ error }) => error?.code === 'already-acknowledged', 'who was first', 'ops')
  expect(late.message.error?.says).toContain('ana has it already')
  expect(await bot.click('eva', web.id, 'ack')).toBe(202)
  const refused = await bot.card(({ error }) => error?.code === 'not-allowed', 'who may', 'ops')
  expect(refused.message.error?.hint).toContain('luis')

  await discord.click({ user: 'luis', message: inDiscord, button: 'note:' })
  expect(discord.modal('luis')).toMatchObject({ title: 'Note' })
  await discord.submitModal({ user: 'luis', values: { text: 'the switch was off' } })
  await slack.click({ user: 'ana', target: onSlack, actionId: 'note' })
  const view = await slack.until(() => slack.view('ana'))
  expect(view.title).toBe('Nota')
  await slack.submit({ user: 'ana', values: { text: 'ya tiene luz' } })
  const note = (text: string) => bot.card(({ title }) => title.includes(text), text, 'ops')
  expect((await note('Note by luis: the switch was off')).threadId).toBe(web.id)
  expect((await note('Note by ana: ya tiene luz')).threadId).toBe(web.id)
  expect(await bot.click('luis', web.id, 'note', { text: 'from the page' })).toBe(202)
  await note('Note by luis: from the page')
  expect(await bot.click('luis', web.id, 'note')).toBe(202)
  const form = await bot.card(({ form: asks }) => asks !== undefined, 'the form', 'ops')
  expect(form.message.form?.fields.filter(({ required }) => required).map(({ name }) => name)).toContain('text')
  expect(await bot.click('luis', form.id, 'form.submit', { text: 'by the form' })).toBe(202)
  await note('Note by luis: by the form')

  await discord.click({ user: 'luis', message: calledToo, button: 'resolve:' })
  await slack.until(() => read(slack.messages(dm)[0]).includes('resuelto por luis'))
  await discord.until(() => buttonsIn(calledToo.components).length === 0)
  await slack.until(() => read(cardOf(onSlack.ts)).includes('resuelto por luis'))
  await discord.until(() => buttonsIn(inDiscord.components).length === 0)
  await bot.say('luis', `incident export ${id} json`, 'ops')
  const exported = await bot.card(({ title }) => title === `Export of ${id}`, 'the export', 'ops')
  const whole = JSON.parse(exported.message.log!.join('\n')) as { mtta: number; mttr: number; timeline: object[] }
  expect(whole).toMatchObject({ id, state: 'resolved', mtta: expect.any(Number), mttr: expect.any(Number) })
  expect(whole.timeline).toHaveLength(9)
  expect([slack.messages(dm).length, discord.messages('dm-luis').length]).toEqual([1, 1])
  const roots = slack.messages('ops').filter(({ threadTs }) => !threadTs)
  expect(roots).toHaveLength(1)
  expect([discord.violations, slack.violations]).toEqual([[], []])
  await close()
  await bot.close()

  function cardOf(ts: string) {
    return slack.messages('ops').find((message) => message.ts === ts)
  }
})

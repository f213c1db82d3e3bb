import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { botScopes } from '../src/chat/slack/manifest.ts'
import { openClients } from '../src/chat/slack/slack.ts'
import { Secret } from '../src/core/secret.ts'
import { Crew } from './crew.ts'
import { cardWith, chatOf, inProcessBot, inProcessWorker, read, workspace } from './slack-crew.ts'
import type { SlackStandIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn

beforeAll(async () => {
  crew = await Crew.start({ speed: 10 })
  slack = await workspace({
    users: [
      { name: 'ana', locale: 'es-EC' },
      { name: 'luis' },
      { name: 'guest', isRestricted: true },
      { name: 'visitor', isUltraRestricted: true },
      { name: 'stranger', isStranger: true },
      { name: 'robot', isBot: true },
      { name: 'gone', deleted: true },
    ],
    usergroups: [{ id: 'S1', handle: 'ops', users: ['luis', 'guest', 'stranger'] }],
    // Nothing more than the manifest asks for.
    scopes: [...botScopes],
  })
})
afterAll(async () => {
  await slack.close()
  await crew.close()
})

const log = { info: () => {}, warn: () => {}, error: () => {} }
const ops = { channel: 'ops' }

describe('who is who in Slack', () => {
  const clients = (names = { members: true, groups: true }) =>
    openClients({ botToken: new Secret(slack.botToken), apiUrl: slack.apiUrl, log, names })
  const groupsOf = (name: string, { membership } = clients()) => membership.groupsOf(`slack:${slack.users[name]}`)

  test('only full members of our own workspace have groups', async () => {
    expect(await groupsOf('ana')).toEqual(['slack:*'])
    expect(await groupsOf('luis')).toEqual(['slack:*', 'slack:group:S1'])
    for (const name of ['guest', 'visitor', 'stranger', 'robot', 'gone']) expect(await groupsOf(name), name).toEqual([])
    expect(await clients().membership.groupsOf('slack:U0NOBODY0')).toEqual([])
    expect(await clients().membership.groupsOf('discord:1')).toEqual([])
  })

  test('answers are remembered; what the configuration does not name is not asked; when Slack is silent nobody gains', async () => {
    const asked = () => slack.calls('users.info').length + slack.calls('usergroups.list').length
    const one = clients()
    await groupsOf('luis', one)
    const before = asked()
    expect(await groupsOf('luis', one)).toContain('slack:group:S1')
    expect(asked()).toBe(before)
    expect(await groupsOf('luis', clients({ members: false, groups: false }))).toEqual([])
    expect(asked()).toBe(before)
    slack.fail('users.info', 500)
    expect(await groupsOf('ana')).toEqual([])
  })

  test('the locale of a person is known', async () => {
    expect(await clients().membership.localesOf(slack.users.ana!)).toEqual(['es-EC'])
  })
})

describe('a role by user group', () => {
  test('lets its members act, checked again by a worker that has no token of Slack’s', async () => {
    const config = chatOf(slack, {
      roles: [
        { role: 'operator', who: ['slack:group:S1'] },
        { role: 'viewer', who: ['slack:*'] },
      ],
    })
    const bot = await inProcessBot(crew, 'groups', config)
    const worker = await inProcessWorker(crew, 'groups', config)
    await slack.slash('/pve', 'vm create name:by-group disk:8G', { user: 'luis', ...ops })
    await cardWith(slack, 'ops', 'Machine by-group')
    await slack.slash('/pve', 'vm create name:never', { user: 'ana', ...ops })
    await slack.until(() => slack.ephemerals('ana').length === 1)
    expect(read(slack.ephemerals('ana')[0])).toContain('operator')
    for (const name of ['guest', 'stranger']) {
      await slack.slash('/pve', 'vm list', { user: name, ...ops })
      await slack.until(() => slack.ephemerals(name).length === 1)
    }
    expect(slack.messages('ops')).toHaveLength(1)
    expect(slack.violations).toEqual([])
    await worker.close()
    await bot.close()
  })
})

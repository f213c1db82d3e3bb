import { PermissionFlagsBits } from 'discord.js'
import { expect, onTestFinished, test } from 'vitest'
import { lookAtPermissions } from '../src/chat/discord/permissions.ts'
import { botScopes } from '../src/chat/slack/manifest.ts'
import { lookAtScopes } from '../src/chat/slack/scopes.ts'
import { openClients } from '../src/chat/slack/slack.ts'
import { Secret } from '../src/core/secret.ts'
import { type ChatLook, chatChecks } from '../src/doctor/chat-checks.ts'
import { speaker } from '../src/doctor/speaking.ts'
import { startDiscord } from './stand-ins/discord/index.ts'
import { startSlack } from './stand-ins/slack/index.ts'

const log = { info: () => {}, warn: () => {}, error: () => {} }

async function slackWith(scopes: readonly string[]): Promise<ChatLook> {
  const slack = await startSlack({ users: [], channels: [], scopes: [...scopes] })
  onTestFinished(() => slack.close())
  const { botToken, apiUrl } = slack
  const { prompt } = openClients({
    botToken: new Secret(botToken),
    apiUrl,
    log,
    names: { members: false, groups: false },
  })
  return () => lookAtScopes(prompt)
}

async function discordWith(lacking: readonly bigint[], guilds?: string[]): Promise<ChatLook> {
  const { Administrator, ...others } = PermissionFlagsBits
  const allowed = Object.values(others).filter((bit) => !lacking.includes(bit))
  const botPermissions = String(allowed.reduce((all, bit) => all | bit, 0n))
  const discord = await startDiscord({ users: [], channels: [], botPermissions })
  onTestFinished(() => discord.close())
  const { guildId, token, apiUrl } = discord
  return () => lookAtPermissions({ token: new Secret(token), guilds: guilds ?? [guildId], apiUrl })
}

const checked = (slack: ChatLook, discord: ChatLook, language: 'en' | 'es' = 'en') =>
  chatChecks({ slack, discord }, speaker(language))

test('with what the manifest and the invitation ask for, both pass', async () => {
  const found = await checked(await slackWith(botScopes), await discordWith([]))
  expect(found.map(({ verdict }) => verdict)).toEqual(['pass', 'pass'])
})

test('a missing scope and missing permissions are named, with what to do', async () => {
  const slack = await slackWith(botScopes.filter((scope) => scope !== 'files:write' && scope !== 'users:read'))
  const lacking = [PermissionFlagsBits.AttachFiles, PermissionFlagsBits.CreatePublicThreads]
  const discord = await discordWith(lacking)
  const [onSlack, onDiscord] = await checked(slack, discord)
  expect(onSlack).toMatchObject({ verdict: 'fail', found: 'missing: files:write, users:read' })
  expect(onSlack!.next![0]).toContain('quorum register slack')
  expect(onDiscord).toMatchObject({ verdict: 'fail', found: 'missing: Create Public Threads, Attach Files' })
  expect(onDiscord!.next![0]).toContain('quorum register discord')
  const [enEspanol] = await checked(slack, discord, 'es')
  expect(enEspanol).toMatchObject({ verdict: 'fail', found: 'faltan: files:write, users:read' })
})

test('a bot that is in none of its servers, and a Slack that is away: not known, and why', async () => {
  const slack = await startSlack({ users: [], channels: [] })
  onTestFinished(() => slack.close())
  slack.error('auth.test', 'token_revoked')
  const access = { botToken: new Secret(slack.botToken), apiUrl: slack.apiUrl, log }
  const { prompt } = openClients({ ...access, names: { members: false, groups: false } })
  const found = await checked(() => lookAtScopes(prompt), await discordWith([], ['1']))
  expect(found.map(({ verdict }) => verdict)).toEqual(['unknown', 'unknown'])
  expect(found[0]!.found).toContain('token_revoked')
  expect(found[1]!.found).toContain('none of the servers')
})

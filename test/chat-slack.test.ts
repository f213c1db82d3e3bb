import { afterAll, beforeAll, expect, test } from 'vitest'
import { Crew } from './crew.ts'
import { type SlackStandIn, startSlack, textsIn } from './stand-ins/slack/index.ts'

let crew: Crew
let slack: SlackStandIn

beforeAll(async () => {
  crew = await Crew.start({ speed: 4 })
  slack = await startSlack({
    users: [
      { name: 'ana', locale: 'es-EC' },
      { name: 'eva', locale: 'en-US' },
    ],
    channels: [{ name: 'ops' }],
  })
})

afterAll(async () => {
  await slack.close()
  await crew.close()
})

const chat = () => ({
  chat: { slack: { botToken: slack.botToken, appToken: slack.appToken, apiUrl: slack.apiUrl } },
  roles: [
    { role: 'operator', who: [`slack:${slack.users.ana}`] },
    { role: 'viewer', who: [`slack:${slack.users.eva}`] },
  ],
})

test('a slash command makes a machine: acknowledged at once, one message edited until done, in the speaker’s language', async () => {
  const bot = await crew.bot('slack', chat())
  const worker = await crew.worker('slack', chat())
  const { ack, elapsedMs } = await slack.slash(
    '/pve',
    'vm create name:web1 iso:debian-12.iso cores:2 memory:4G disk:8G',
    {
      user: 'ana',
      channel: 'ops',
    },
  )
  expect(ack).toBeDefined()
  expect(elapsedMs).toBeLessThan(3000)
  await slack.until(() =>
    slack.messages('ops').some((message) => textsIn(message.blocks).join(' ').includes('La máquina web1')),
  )
  const cards = slack.messages('ops')
  expect(cards).toHaveLength(1)
  expect(cards[0]!.edits).toBeGreaterThan(1)
  expect(cards[0]!.metadata).toMatchObject({ event_type: 'quorum_card' })

  const refused = await slack.slash('/pve', 'vm create name:web2', { user: 'eva', channel: 'ops' })
  expect(refused.ack).toBeDefined()
  await slack.until(() => slack.ephemerals('eva').length === 1)
  expect(textsIn(slack.ephemerals('eva')[0]!.blocks).join(' ')).toContain('needs the role operator')
  expect(slack.messages('ops')).toHaveLength(1)
  expect(slack.violations).toEqual([])
  await worker.stop()
  await bot.close()
}, 60_000)

import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cutNetwork, healNetwork } from '../src/lab/power.ts'
import { Crew, until, type WorkerProcess } from './crew.ts'

type Bot = Awaited<ReturnType<Crew['botProcess']>>

const hookSecret = 'signs-what-the-pager-says'
/** What the pager accepted, in order, and when the last heartbeat came. */
const paged: { event_action: string; dedup_key: string; payload?: { summary: string } }[] = []
let lastBeat = 0

const outside = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  if (request.url === '/beat') lastBeat = performance.now()
  else paged.push(JSON.parse(body))
  response.writeHead(202).end()
})

let crew: Crew
let bot: Bot
let worker: WorkerProcess
let settings: object

const startBot = async () => {
  bot = await crew.botProcess('oncall', settings)
}
const startWorker = async () => {
  worker = await crew.worker('oncall', settings)
}

beforeAll(async () => {
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`
  crew = await Crew.start({ seed: 5, speed: 0 })
  const { sim, folder } = crew
  const tokens = { read: sim.readToken, act: sim.token }
  settings = {
    clusters: [{ name: 'main', endpoints: sim.endpoints, tokens, tls: { ca: `${folder}/ca.pem` }, poll: '250ms' }],
    channels: [{ cluster: 'main', post: ['web:ops'] }],
    people: [
      { name: 'ana', ids: ['web:ana'] },
      { name: 'luis', ids: ['web:luis'] },
    ],
    roles: [{ role: 'operator', who: ['ana', 'luis'] }],
    oncall: {
      rotation: { everyone: ['ana', 'luis'], handoff: 'mon 09:00' },
      policy: {
        critical: [
          { after: '0s', notify: ['channel', 'person', 'pager'] },
          { after: '3s', notify: ['next'] },
        ],
      },
      pager: { url: `${url}/v2/enqueue`, key: 'routing', hookSecret },
    },
    heartbeat: { url: `${url}/beat`, every: '1s' },
  }
  await Promise.all([startBot(), startWorker()])
})

afterAll(async () => {
  await crew.close()
  outside.closeAllConnections()
  outside.close()
})

const nodeNamed = (name: string) => crew.sim.cluster.nodes.find((node) => node.name === name)!

/** Simulated time passes until it is so. */
const passing = <T>(look: () => T | Promise<T>, what: string) =>
  until(async () => {
    await crew.sim.cluster.clock.advance(3)
    return look()
  }, what)

const actions = (id: string) =>
  paged.filter(({ dedup_key }) => dedup_key === `quorum-${id}`).map(({ event_action }) => event_action)

/** The card of the incident about this node, once it says this. */
const card = (node: string, says: RegExp) =>
  passing(async () => {
    const cards = (await bot.messages('ops')).filter(({ message }) => message.incident !== undefined && !message.thread)
    return cards.findLast(({ message }) => message.title.includes(node) && says.test(JSON.stringify(message)))
  }, `${node}: ${says}`)

const directly = async (person: string, incident: string) =>
  (await bot.messages(person)).filter(({ message }) => message.incident === incident)

/** Far longer than a beat is away from the next, far shorter than the two minutes that are promised. */
const silentMs = 2500
const silence = (what: string) => until(() => performance.now() - lastBeat > silentMs, `silence after ${what}`, 30_000)
const beats = (what: string) => {
  const from = performance.now()
  return until(() => lastBeat > from, `heartbeats with ${what}`, 30_000)
}

test('nobody acknowledges: pager and person at once, the second after the time, proven; a worker that is killed repeats nothing', async () => {
  await passing(() => lastBeat > 0, 'the first heartbeat: the watcher has looked')
  cutNetwork(crew.sim.cluster, nodeNamed('pve3'))
  const first = await card('pve3', /pager was told \(pager\): delivered/)
  const id = first.message.incident!
  await worker.kill9()
  // Until the next one starts, there is no heartbeat either.
  await silence('the worker died')
  await crew.lapse('oncall')
  await startWorker()
  for (const person of ['ana', 'luis']) await card('pve3', new RegExp(`${person} \\(web\\) was told .*delivered`))
  expect(actions(id)).toEqual(['trigger'])
  expect(paged[0]!.payload!.summary).toBe('main: pve3 is gone')

  const [called] = await directly('luis', id)
  expect(await bot.click('luis', called!.id, 'ack')).toBe(202)
  await card('pve3', /acknowledged by luis/)
  await passing(() => actions(id).length === 2, 'the pager to hear of it')
  healNetwork(crew.sim.cluster, nodeNamed('pve3'))
  await card('pve3', /over by itself/)
  await passing(() => actions(id).length === 3, 'the end')
  expect(actions(id)).toEqual(['trigger', 'acknowledge', 'resolve'])
  for (const person of ['ana', 'luis']) expect(await directly(person, id)).toHaveLength(1)
  expect((await directly('ana', id))[0]!.message.state).toBe('ok')
})

test("the pager's own acknowledgement, signed, stands on the card; anybody else's does not", async () => {
  cutNetwork(crew.sim.cluster, nodeNamed('pve2'))
  const { message } = await card('pve2', /pager was told/)
  const say = (agent: string, secret: string) => {
    const data = { incident_key: `quorum-${message.incident}` }
    const by = { id: agent, type: 'user_reference' }
    const event = { event_type: 'incident.acknowledged', occurred_at: new Date().toISOString(), agent: by, data }
    const body = JSON.stringify({ event })
    const signature = `v1=${createHmac('sha256', secret).update(body).digest('hex')}`
    return fetch(`${bot.http}/hooks/pager`, { method: 'POST', headers: { 'x-pagerduty-signature': signature }, body })
  }
  expect((await say('PEVE', 'a guess')).status).toBe(401)
  expect((await say('PANA', hookSecret)).status).toBe(202)
  const acked = await card('pve2', /acknowledged by/)
  expect(JSON.stringify(acked.message.fields)).toContain('acknowledged by pager:PANA')
  healNetwork(crew.sim.cluster, nodeNamed('pve2'))
  await card('pve2', /over by itself/)
})

test('the heartbeat falls silent when the bot or Redis dies too, and comes back with them', async () => {
  await beats('everything')
  await bot.kill9()
  await silence('the bot died')
  await startBot()
  await beats('a bot')
  await crew.redis.kill9()
  await silence('Redis died')
  await crew.redis.restart()
  await beats('Redis')
})

import { labBlueprints } from '../../src/config.ts'
import { type Chat, Crew } from '../crew.ts'
import { type Figure, round } from './figures.ts'
import { onRequests } from './requests.ts'
import type { Stage } from './stage.ts'

const target = 5000
const withinMs = 60_000
const line = 'blueprint apply azuay'

/** The blueprint of the thesis on the site that it has made: what a line costs that has nothing to do. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start({ scenario: 'azuay', speed: 100 })
  stage.defer(() => crew.close())
  const { sim, folder } = crew
  const root = { password: sim.root.password }
  const hosts = sim.cluster.nodes.map(({ name, certificate }, i) => {
    return { name, endpoint: sim.endpoints[i], tls: { fingerprints: [certificate.fingerprint] }, ...root }
  })
  const tokens = { read: sim.readToken, act: sim.token }
  const clusters = [{ name: 'main', endpoints: sim.endpoints, tokens, tls: { ca: `${folder}/ca.pem` }, root }]
  const site = { hosts, clusters, blueprints: labBlueprints }
  const [chat, worker] = await Promise.all([crew.bot('again', site), crew.worker('again', site, ['--root'])])
  const start = performance.now()
  await carriedOut(chat)
  const first = round(performance.now() - start)
  // The watcher's own requests would be counted among the line's.
  await worker.stop()
  const seen: string[] = []
  const stop = onRequests(sim.endpoints, ({ method }) => seen.push(method))
  const began = performance.now()
  await chat.say('admin', line, 'again')
  const { message } = await chat.card(({ table }) => table !== undefined, 'the answer', 'again', withinMs)
  const again = round(performance.now() - began)
  stop()
  if (message.state !== 'ok') throw new Error(`applied again: ${message.title}`)
  const writes = seen.filter((method) => method !== 'GET').length
  return [
    {
      name: 'blueprint-again',
      what: `from typing \`${line}\` until it says that nothing is to do, on the three-node site that it made; requests that change something`,
      unit: 'ms',
      samples: 1,
      measured: { again, writes },
      floor: {},
      target: `again < ${target} and writes = 0`,
      holds: again < target && writes === 0,
      details: { 'first, from three lone hosts': first, reads: seen.length - writes },
    },
  ]
}

async function carriedOut(chat: Chat): Promise<void> {
  await chat.say('admin', line, 'first')
  const { id } = await chat.card(({ state }) => state === 'waiting', 'the plan', 'first', withinMs)
  await chat.click('admin', id, 'confirm')
  const isEnd = (state: string) => ['ok', 'warning', 'failed'].includes(state)
  const end = await chat.card(({ state }, one) => one.id === id && isEnd(state), 'the end', 'first', withinMs)
  if (end.message.state === 'failed') throw new Error(JSON.stringify(end.message.error))
}

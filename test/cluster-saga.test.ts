/** From three lone hosts to a cluster by chat, on real Redis, real processes and the simulated site. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { isQuorate } from '../src/lab/model.ts'
import { type Chat, Crew } from './crew.ts'

let crew: Crew
let chat: Chat

const host = (name: string) => crew.sim.cluster.nodes.find((node) => node.name === name)!
const passwords = () => ({ password: crew.sim.root.password })

/** The site's hosts as quorum.yaml has them: pinned one by one, each with root's password. */
function site(more: { cluster?: object; host?: (name: string) => object } = {}) {
  const { sim } = crew
  const ca = `${crew.folder}/ca.pem`
  const hosts = sim.cluster.nodes.map(({ name, certificate }, i) => ({
    name,
    endpoint: sim.endpoints[i],
    tls: { fingerprints: [certificate.fingerprint] },
    ...(more.host?.(name) ?? passwords()),
  }))
  const tokens = { read: sim.readToken, act: sim.token }
  const cluster = { name: 'main', endpoints: sim.endpoints, tokens, tls: { ca }, root: passwords(), ...more.cluster }
  return { hosts, clusters: [cluster] }
}

beforeAll(async () => {
  crew = await Crew.start({ scenario: 'empty', seed: 7, speed: 200 })
  chat = await crew.bot('saga', site())
  await crew.worker('saga', site(), ['--root'])
})

afterAll(() => crew?.close())

/** Types a line, confirms it, and returns the card of its end. */
async function order(line: string, channel: string, user = 'admin') {
  await chat.say(user, line, channel)
  const asks = await chat.card(({ state }) => state === 'waiting' || state === 'refused', `${line}: a plan`, channel)
  if (asks.message.state === 'refused') return asks.message
  await chat.click(user, asks.id, 'confirm')
  const ended = (state: string) => ['ok', 'warning', 'failed'].includes(state)
  return (await chat.card(({ state }, { id }) => id === asks.id && ended(state), `${line}: its end`, channel, 20_000))
    .message
}

test('three lone hosts become a cluster', async () => {
  const created = await order('cluster create pvecluster first:pve1', 'story')
  expect(created).toMatchObject({ state: 'warning', title: 'Cluster pvecluster is there: pve1 votes and has quorum' })
  for (const name of ['pve2', 'pve3']) {
    const joined = await order(`cluster join ${name}`, 'story')
    expect(joined.title).toBe(`${name} is a member of pvecluster: pve1 sees it vote, and the cluster has quorum`)
    expect(joined.fields).toContainEqual({ name: `Fingerprint of ${name}`, value: host(name).certificate.fingerprint })
  }
  expect(isQuorate(crew.sim.cluster, host('pve1'))).toBe(true)
  expect(host('pve1').config.corosync?.nodes.map(({ name }) => name)).toEqual(['pve1', 'pve2', 'pve3'])
})

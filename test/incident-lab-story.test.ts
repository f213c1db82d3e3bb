import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { cutNetwork, healNetwork } from '../src/lab/power.ts'
import { Crew, until, type WorkerProcess } from './crew.ts'
import { Caller } from './lab-calls.ts'

let crew: Crew

/** Time passes only where a story lets it, so that a busy machine makes no node late. */
beforeAll(async () => {
  crew = await Crew.start({ seed: 5, speed: 0 })
  const lab = new Caller(crew.sim)
  const { clock, nodes } = crew.sim.cluster
  const made = await lab.begin('POST', '/nodes/pve1/qemu', { vmid: 100, name: 'Win11', scsi0: 'Storage:8' })
  await clock.advance(22)
  expect(made.exitstatus).toBe('OK')
  const { ha } = nodes[0]!.config
  ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' }
  ha.rules.set('grupoHA', { rule: 'grupoHA', type: 'node-affinity', order: 1, keys })
  await clock.advance(40)
  expect(ha.manager.service_status?.['vm:100']).toMatchObject({ state: 'started', node: 'pve1', running: 1 })
})

afterAll(async () => {
  await crew.close()
})

const settings = {
  channels: [
    { cluster: 'main', post: ['web:ops'] },
    { cluster: 'main', post: ['web:guardia'], language: 'es' },
  ],
}

const wanted = ['node.lost', 'node.fencing', 'node.fenced', 'guest.recovered', 'node.back', 'guest.moved']

test('pve1 loses its network: told, acknowledged, fenced, recovered elsewhere, home again, over; with bot and worker killed in the middle', async () => {
  const more = { channels: settings.channels, clusters: clustersOf() }
  const [first, second] = await Promise.all([crew.botProcess('story', more), crew.worker('story', more)])
  let bot = first
  let worker: WorkerProcess = second
  const { cluster } = crew.sim
  const pve1 = cluster.nodes.find(({ name }) => name === 'pve1')!
  const { clock } = cluster

  /** Lets time pass until the channel has such a line. */
  const line = (what: string, is: (message: Message) => boolean) =>
    until(async () => {
      await clock.advance(3)
      const messages = await bot.messages('ops').catch(() => [])
      return messages.find(({ message }) => message.thread !== undefined && is(message))
    }, what)
  const told = (kind: string) => line(kind, ({ event }) => event?.kind === kind)
  const bothKilled = async () => {
    await Promise.all([bot.kill9(), worker.kill9()])
    const [nextBot, nextWorker] = await Promise.all([crew.botProcess('story', more), crew.worker('story', more)])
    bot = nextBot
    worker = nextWorker
  }
  // The watcher has seen the cluster as it should be.
  await bot.say('operator', 'incident list', 'ops')
  await bot.card(({ title }) => title === 'Incidents: 0', 'the watch', 'ops')
  await seen()

  cutNetwork(cluster, pve1)
  const lost = await told('node.lost')
  const id = lost.message.incident!
  expect(await bot.click('operator', lost.threadId!, 'ack')).toBe(202)
  await bot.card(
    ({ incident, state, thread }) => incident === id && state === 'waiting' && !thread,
    'the acknowledgement in the other channel',
    'guardia',
  )
  await told('node.fencing')
  await bothKilled()
  await told('guest.recovered')
  const running = await line('that it runs again', ({ title }) => title.includes('runs again'))
  expect(running.message.title).toMatch(/^vm:100 \(Win11\) runs again on pve2, down \d+ min.* \(± \d+ s\)$/)
  healNetwork(cluster, pve1)
  await told('node.back')
  const home = await told('guest.moved')
  expect(home.message.title).toBe('vm:100 (Win11) is home again on pve1')
  await bot.card(({ incident, state, thread }) => incident === id && state === 'ok' && !thread, 'the end', 'ops')

  await bot.say('viewer', `incident export ${id}`, 'ops')
  const exported = await bot.card(({ title }) => title === `Export of ${id}`, 'the export', 'ops')
  expect(exported.message.log!.join('\n')).toContain('Time to acknowledge')
  for (const channel of ['ops', 'guardia']) {
    const all = (await bot.messages(channel)).filter(({ message }) => message.incident === id)
    expect(all.filter(({ message }) => /runs again|funciona otra vez/.test(message.title))).toHaveLength(1)
    const messages = all.filter(({ message }) => message.event)
    expect(messages.filter(({ message }) => !message.thread)).toHaveLength(1)
    const kinds = messages.flatMap(({ message }) => (message.thread ? message.event!.kind : []))
    expect(kinds.filter((kind) => wanted.includes(kind)).sort()).toEqual([...wanted].sort())
  }
  await worker.stop()
  await bot.kill9()
})

/** Looks often, since the story's clock runs faster than ours. */
function clustersOf() {
  const { sim, folder } = crew
  const tokens = { read: sim.readToken, act: sim.token }
  return [{ name: 'main', endpoints: sim.endpoints, tokens, tls: { ca: `${folder}/ca.pem` }, poll: '250ms' }]
}

/** Some looks at the cluster have passed. */
async function seen() {
  const { clock } = crew.sim.cluster
  for (let i = 0; i < 20; i++) {
    await clock.advance(1)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

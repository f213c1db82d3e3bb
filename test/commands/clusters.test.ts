import { afterAll, beforeAll, expect, test } from 'vitest'
import { Stage } from './stage.ts'

let stage: Stage

beforeAll(async () => {
  stage = await Stage.open()
})

afterAll(() => stage.close())

const field = (message: { fields?: { name: string; value: string }[] }, name: string) =>
  message.fields?.find((one) => one.name === name)?.value

/** Types the line again until the answer fits; corosync takes a moment to notice. */
async function until(line: string, fits: (message: Awaited<ReturnType<Stage['say']>>) => boolean) {
  for (const end = Date.now() + 20_000; ; ) {
    const message = await stage.say(line, 'viewer')
    if (fits(message)) return message
    if (Date.now() > end) throw new Error(`${line} kept saying ${JSON.stringify(message)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const power = async (node: string, to: 'on' | 'off') => {
  const reply = await fetch(`${stage.sim.control}/api/lab/nodes/${node}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ power: to }),
  })
  expect(reply.status).toBeLessThan(300)
}

test('three nodes: one may go, then none, then the cluster is read-only; every card says so', async () => {
  expect((await stage.say('quorum', 'viewer')).state).toBe('ok')
  expect(field(await stage.say('status', 'viewer'), 'Quorum')).toBe('3 of 3 votes; nodes that may still go: 1')
  await power('pve3', 'off')
  const edge = await until('status', (m) => field(m, 'Quorum') === '2 of 3 votes; one more loss = read-only')
  expect(edge.state).toBe('warning')
  expect(edge.table?.rows.find(([node]) => node === 'pve3')?.slice(1)).toEqual([
    'offline',
    'not known',
    'not known',
    '',
  ])
  const quorum = await stage.say('quorum', 'viewer')
  expect(quorum.state).toBe('warning')
  expect(field(quorum, 'Offline')).toBe('pve3')
  expect(field(quorum, 'Margin')).toBe('none: one more loss = read-only')
  expect((await stage.say('host list', 'viewer')).title).toBe('Nodes of main: 2 of 3 online')
  const storages = await stage.say('storage list', 'viewer')
  expect(storages.table?.rows).toContainEqual([
    'local',
    'dir',
    expect.anything(),
    'no',
    'not known',
    'pve3 (not known)',
  ])
  expect((await stage.say('vm create web1 node:pve3')).error?.code).toBe('node-offline')
  await power('pve2', 'off')
  const lost = await until('quorum', (m) => m.state === 'failed')
  expect(lost.title).toBe('Cluster pvecluster has NO quorum')
  expect(field(lost, 'Margin')).toBe('gone: read-only; votes that must come back: 1')
  expect((await stage.say('status', 'viewer')).state).toBe('failed')
})

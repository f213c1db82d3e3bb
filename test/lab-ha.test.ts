/** High availability in the simulated cluster, told as stories; the recordings are in trace-*.json.gz. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cutPower } from '../src/lab/power.ts'
import { startSim } from '../src/lab/sim.ts'
import { Caller } from './lab-calls.ts'

let lab: Caller
beforeAll(async () => {
  lab = new Caller(await startSim({ port: 0, seed: 5, speed: 0 }))
})
afterAll(() => lab.close())

const sim = () => lab.sim.cluster
const node = (name: string) => sim().nodes.find((one) => one.name === name)!
const config = () => node('pve1').config
const manager = () => config().ha.manager

interface Service {
  sid: string
  node: string
  state: string
}

/** What the HA status says of a guest, `state@node`. */
async function said(sid: string, by: string): Promise<string> {
  const { data } = await lab.call('GET', '/cluster/ha/status/current', {}, by)
  const entry = (data as Service[]).find((one) => one.sid === sid)
  return entry ? `${entry.state}@${entry.node}` : 'absent'
}

interface Told {
  at: number
  what: string
}

/** Lets time pass second by second and keeps each change of what `look` says. */
async function watch(seconds: number, look: () => Promise<string> | string): Promise<Told[]> {
  const told: Told[] = []
  const since = sim().clock.now()
  while (sim().clock.now() - since < seconds) {
    const what = await look()
    if (told.at(-1)?.what !== what) told.push({ at: Math.round(sim().clock.now() - since), what })
    await sim().clock.advance(1)
  }
  return told
}

const between = (least: number, most: number) => (seconds: number) => seconds >= least && seconds <= most

const whats = (told: Told[]) => told.map(({ what }) => what)
const when = (told: Told[], what: string) => told.find((one) => one.what === what)?.at ?? Number.NaN

beforeEach(async () => {
  sim().clock.setSpeed(100)
  await lab.sim.reset('cluster')
  const made = await lab.run('POST', '/nodes/pve1/qemu', { vmid: 100, name: 'Win11', scsi0: 'Storage:8', memory: 512 })
  expect(made.exitstatus).toBe('OK')
  sim().clock.setSpeed(0)
  config().ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
  await sim().clock.advance(40)
  expect(manager().service_status?.['vm:100']).toMatchObject({ state: 'started', node: 'pve1', running: 1 })
})

describe('a node is lost', () => {
  test('by its power: fenced after a minute, recovered when its lock is free, started elsewhere', async () => {
    cutPower(sim(), node('pve1'))
    const told = await watch(240, () => said('vm:100', 'pve2'))
    expect(whats(told)).toEqual(['started@pve1', 'fence@pve1', 'starting@pve2', 'started@pve2'])
    expect(when(told, 'starting@pve2')).toSatisfy(between(110, 150))
    expect(config().guests.get(100)?.node).toBe('pve2')
    expect(node('pve2').tasks.findLast(({ type }) => type === 'qmstart')).toMatchObject({
      id: '100',
      user: 'root@pam',
      exitstatus: 'OK',
    })
  })
})

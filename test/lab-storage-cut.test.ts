/** A node that has lost a storage: what each call says, what runs on regardless, and how it ends. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConfigKeys } from '../src/lab/model.ts'
import { startSim } from '../src/lab/sim.ts'
import { until } from './crew.ts'
import { Caller } from './lab-calls.ts'

let lab: Caller
const seconds = (much: number) => lab.sim.cluster.clock.advance(much)
const node = (name: string) => lab.sim.cluster.nodes.find((one) => one.name === name)!
const data = async <T>(path: string, by = 'pve2') => (await lab.call('GET', path, {}, by)).data as T

/** A task, followed by a clock that stands still for everything else. */
async function run(method: string, path: string, params: Record<string, unknown> = {}) {
  const task = await lab.begin(method, path, params)
  await until(async () => {
    await seconds(1)
    return task.endtime !== undefined
  }, path)
  return task
}

beforeAll(async () => {
  lab = new Caller(await startSim({ port: 0, seed: 5, speed: 0 }))
  await Promise.all([
    run('POST', '/nodes/pve1/qemu', { vmid: 100, name: 'Win11', scsi0: 'Storage:8', agent: 1 }),
    run('POST', '/nodes/pve1/qemu', { vmid: 101, name: 'own', scsi0: 'local-lvm:1' }),
    run('POST', '/nodes/pve1/qemu', { vmid: 102, name: 'off', scsi0: 'Storage:1' }),
    run('POST', '/nodes/pve2/qemu', { vmid: 103, name: 'there', scsi0: 'Storage:1' }),
  ])
  await Promise.all([
    run('POST', '/nodes/pve1/qemu/101/status/start'),
    run('POST', '/nodes/pve2/qemu/103/status/start'),
  ])
  const { config } = node('pve1')
  // A container cannot be made here; one that is there stands still like any other.
  const keys: ConfigKeys = { hostname: 'proxy', rootfs: 'Storage:vm-104-disk-0,size=1G', memory: 512 }
  config.guests.set(104, { vmid: 104, type: 'lxc', node: 'pve1', keys, template: false, pending: {}, snapshots: [] })
  for (const sid of ['vm:100', 'ct:104']) {
    config.ha.resources.set(sid, { sid, type: sid.slice(0, 2) as 'vm', keys: { state: 'started' } })
  }
  await seconds(90)
})
afterAll(() => lab.close())

const cut = (network: 'cut' | 'up') =>
  fetch(`${lab.sim.control}/api/lab/storages/Storage`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ network, node: 'pve1' }),
  })

async function answers(vmid: number): Promise<boolean> {
  const { tcp } = (await (await fetch(`${lab.sim.control}/api/lab/guests/${vmid}/probe`)).json()) as {
    tcp: { host: string; port: number }
  }
  return new Promise((resolve) => {
    const socket = connect(tcp.port, tcp.host, () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

const managed = async () => {
  const entries = await data<{ sid?: string; node: string; state: string }[]>('/cluster/ha/status/current')
  return entries.flatMap(({ sid, node: at, state }) => (sid === undefined ? [] : [`${sid} ${state} ${at}`])).sort()
}
const steady = ['ct:104 started pve1', 'vm:100 started pve1']

test('before: all that runs answers', async () => {
  expect(await managed()).toEqual(steady)
  await until(async () => (await Promise.all([100, 101, 103, 104].map(answers))).every(Boolean), 'all listeners')
})

test('cut: its node calls it inactive, the cluster unknown, and neither its contents nor its disks are there', async () => {
  expect((await cut('cut')).status).toBe(200)
  const state = (of: string) => data(`/nodes/${of}/storage/Storage/status`)
  expect(await state('pve1')).toMatchObject({ active: 0, enabled: 1, total: 0 })
  expect(await state('pve2')).toMatchObject({ active: 1 })
  const rows = await data<{ id: string; status: string }[]>('/cluster/resources')
  const known = rows.filter(({ id }) => /^storage\/.*\/Storage$/.test(id)).map(({ id, status }) => `${id} ${status}`)
  expect(known.sort()).toEqual([
    'storage/pve1/Storage unknown',
    'storage/pve2/Storage available',
    'storage/pve3/Storage available',
  ])
  const contents = await lab.call('GET', '/nodes/pve1/storage/Storage/content')
  expect(contents).toMatchObject({ status: 500, reason: "no such volume group 'vg_array'" })
  expect((await lab.call('GET', '/nodes/pve2/storage/Storage/content')).status).toBe(200)
})

test('what has a disk there stands still, and every call says that it runs; HA sees nothing, and moves nothing', async () => {
  const before = await data<{ uptime: number }>('/nodes/pve1/qemu/100/status/current')
  await until(async () => !(await answers(100)) && !(await answers(104)), 'the silence')
  expect(await Promise.all([101, 103].map(answers))).toEqual([true, true])
  await seconds(200)
  const after = await data<{ uptime: number }>('/nodes/pve1/qemu/100/status/current')
  expect(after).toMatchObject({ status: 'running', qmpstatus: 'running' })
  expect(after.uptime - before.uptime).toBeGreaterThanOrEqual(199)
  const guests = await data<{ id: string; status: string; node: string }[]>('/cluster/resources?type=vm')
  for (const id of ['qemu/100', 'lxc/104']) {
    expect(guests.find((one) => one.id === id)).toMatchObject({ status: 'running', node: 'pve1' })
  }
  expect(await managed()).toEqual(steady)
  expect(await data<unknown[]>('/nodes')).toEqual(
    expect.arrayContaining([expect.objectContaining({ node: 'pve1', status: 'online' })]),
  )
  const agent = await lab.call('POST', '/nodes/pve1/qemu/100/agent/ping')
  expect(agent.status).toBe(500)
  const seen = (await (await fetch(`${lab.sim.control}/api/lab`)).json()) as {
    guests: { sid: string; status: string }[]
  }
  expect(seen.guests.filter(({ status }) => status === 'still').map(({ sid }) => sid)).toEqual(['vm:100', 'ct:104'])
})

test('a start there fails in its task, a snapshot and a backup too; nothing inside hears a shutdown', async () => {
  expect((await run('POST', '/nodes/pve1/qemu/102/status/start')).exitstatus).toBe("no such volume group 'vg_array'")
  const snapshot = await run('POST', '/nodes/pve1/qemu/100/snapshot', { snapname: 'one' })
  expect(snapshot.exitstatus).toBe("no such volume group 'vg_array'")
  expect((await run('POST', '/nodes/pve1/vzdump', { vmid: 100 })).exitstatus).toBe('job errors')
})

test('HA that has to start one there tries, fails, and takes it to a node that has its disk', async () => {
  node('pve1').processes.delete(104)
  await until(async () => {
    await seconds(10)
    return (await managed()).includes('ct:104 started pve2') || (await managed()).includes('ct:104 started pve3')
  }, 'ct 104 elsewhere')
  const ends = node('pve1').tasks.filter(({ type }) => type === 'vzstart')
  expect(ends.at(-1)?.exitstatus).toBe("no such volume group 'vg_array'")
})

test('a live migration away waits for the disk; once it is back all goes on, with no start', async () => {
  expect((await lab.call('POST', '/cluster/ha/resources/vm%3A100/migrate', { node: 'pve2' })).status).toBe(200)
  const move = () => node('pve1').tasks.find(({ type, id }) => type === 'qmigrate' && id === '100')
  await until(async () => {
    await seconds(10)
    return move()?.percent === 100
  }, 'its memory to be there')
  await seconds(60)
  expect(move()?.endtime).toBeUndefined()
  await cut('up')
  await until(async () => {
    await seconds(5)
    return move()?.exitstatus === 'OK'
  }, 'the end of the move')
  expect(node('pve2').tasks.some(({ type, id }) => type === 'qmstart' && id === '100')).toBe(false)
  await until(() => answers(100), 'vm 100 to go on')
  expect(await data('/nodes/pve1/storage/Storage/status')).toMatchObject({ active: 1 })
})

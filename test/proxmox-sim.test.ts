import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningSim, startSim } from '../src/lab/sim.ts'
import { createProxmox, createProxmoxWriter } from '../src/proxmox/client.ts'
import type { GuestRef, ProxmoxWriter, Upid } from '../src/proxmox/port.ts'
import { type TaskBoard, TaskPoller, type TaskState } from '../src/proxmox/task-poller.ts'

/** The client and the poller against a whole simulated cluster, which shares no code with them. */

let sim: RunningSim
let writer: ProxmoxWriter & { close(): Promise<void> }
beforeAll(async () => {
  sim = await startSim({ port: 0, seed: 7, speed: 20 })
  writer = createProxmoxWriter({
    cluster: 'lab',
    endpoints: sim.endpoints,
    auth: { token: sim.token },
    tls: { ca: sim.ca },
  })
})
afterAll(async () => {
  await writer.close()
  await sim.close()
})

/** Follows one task with a poller of its own until it has ended and its log is read. */
async function follow(upid: Upid): Promise<TaskState[]> {
  const states: TaskState[] = []
  await new Promise<void>((done, failed) => {
    const board: TaskBoard = {
      lead: async () => true,
      tracked: async () => [{ upid, wantsLog: true }],
      onTracked: () => () => {},
      async publish(_, state) {
        states.push(state)
        if (state.exit !== undefined && state.logTail.at(-1)?.startsWith('TASK ')) {
          done()
          await poller.stop()
        }
      },
    }
    const clock = {
      now: () => Date.now(),
      wait: (ms: number, signal: AbortSignal) =>
        new Promise<void>((resume) => {
          const timer = setTimeout(resume, ms)
          signal.addEventListener('abort', () => resume(clearTimeout(timer)), { once: true })
        }),
    }
    const poller = new TaskPoller({ proxmox: writer, board, clock, onError: failed })
    poller.start()
  })
  return states
}

test('a read token and root’s password both see the cluster', async () => {
  for (const auth of [{ token: sim.readToken }, { root: sim.root }]) {
    const reader = createProxmox({
      cluster: 'lab',
      endpoints: sim.endpoints,
      auth,
      tls: { fingerprints: sim.fingerprints },
    })
    await expect(reader.clusterStatus()).resolves.toMatchObject({ cluster: { quorate: true, nodes: 3 } })
    await expect(reader.capabilities()).resolves.toMatchObject({ haRules: true })
    const [first] = (await reader.resources()).nodes
    expect(Math.abs((await reader.nodeTime(first?.name ?? '')) - (await reader.nodeTime('pve2')))).toBeLessThan(60)
    for (const call of [
      reader.votes(),
      reader.haStatus(),
      reader.managerStatus(),
      reader.storageConfig(),
      reader.permissions(),
    ]) {
      await expect(call).resolves.toBeDefined()
    }
    await reader.close()
  }
})

test('a guest is made, started, asked, stopped and removed, each task followed to its end', async () => {
  const { vmid } = await writer.nextId()
  const guest: GuestRef = { node: 'pve2', kind: 'qemu', vmid }
  const create = await follow(
    await writer.createGuest('pve2', 'qemu', { vmid, name: 'probe', memory: 512, onboot: false }),
  )
  expect(create.at(-1)).toMatchObject({ running: false, exit: 'OK' })
  await expect(writer.nextId(vmid)).resolves.toEqual({ vmid, free: false })
  expect((await follow(await writer.guestPower(guest, 'start'))).at(-1)).toMatchObject({ exit: 'OK' })
  await expect(writer.guestState(guest)).resolves.toMatchObject({ status: 'running', name: 'probe', haManaged: false })
  expect((await follow(await writer.guestPower(guest, 'stop'))).at(-1)).toMatchObject({ exit: 'OK' })
  await expect(writer.guestConfig(guest)).resolves.toMatchObject({ name: 'probe', onboot: '0' })
  const removed = await writer.deleteGuest(guest, { purge: true })
  expect((await follow(removed)).at(-1)).toMatchObject({ exit: 'OK' })
  await expect(writer.task(removed)).resolves.toMatchObject({ exit: 'OK', type: 'qmdestroy', id: String(vmid) })
  await expect(writer.guestState(guest)).rejects.toMatchObject({ name: 'PveError', status: 500 })
})

test('a node that loses its power is passed over', async () => {
  await writer.clusterStatus({ prefer: 'pve1' })
  const power = (state: string) =>
    fetch(`${sim.control}/api/lab/nodes/pve1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ power: state }),
    })
  expect((await power('off')).ok).toBe(true)
  const status = await writer.clusterStatus({ prefer: 'pve1' })
  expect(status.members.find((member) => member.local)?.name).not.toBe('pve1')
  await expect(writer.nodeTime('pve1')).rejects.toMatchObject({ nodeUnreachable: true })
  await power('on')
})

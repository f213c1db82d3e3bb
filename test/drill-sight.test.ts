import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import type { SeenLook } from '../src/core/drills.ts'
import { silenceOf } from '../src/core/silence.ts'
import { FarClock } from '../src/drill/clock.ts'
import { Sight } from '../src/drill/sight.ts'
import { probe } from '../src/http/probe.ts'

afterEach(() => vi.useRealTimers())

/** A cluster that counts what it is asked; vm 1 … 30 have come to pve2. */
function counted(seen: SeenLook | undefined, tempo = { paceMs: 1050, isReal: true }, nodeTime = () => 1000) {
  const asked: string[] = []
  const answer = (name: string, value: unknown) => async () => {
    asked.push(name)
    return typeof value === 'function' ? value() : value
  }
  const proxmox = {
    nodeTime: answer('time', nodeTime),
    clusterTasks: answer('tasks', []),
    guestState: answer('state', { status: 'running', uptime: 5 }),
    clusterStatus: answer('look', { members: [{ name: 'pve2', online: true }] }),
    haStatus: answer('look', []),
  }
  const drills = { tempo, sees: async () => seen }
  const guests = Array.from({ length: 30 }, (_, i) => ({ sid: `vm:${i + 1}`, vmid: i + 1, kind: 'qemu' as const }))
  const context = { payload: { node: 'pve1' }, job: { cluster: 'main' }, proxmox, drills }
  return { asked, sight: new Sight(context as never, guests) }
}

const services = Object.fromEntries(
  Array.from({ length: 30 }, (_, i) => [`vm:${i + 1}`, { node: 'pve2', state: 'started' }]),
)

test('a drill asks less than once a second where the watcher looks, and sees every machine', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const { asked, sight } = counted({ quorate: true, online: ['pve2'], services })
  for (let i = 0; i < 400; i++) {
    await sight.look()
    vi.advanceTimersByTime(250)
  }
  expect(asked.length).toBeLessThan(100)
  expect(new Set(asked)).toEqual(new Set(['time', 'state', 'tasks']))
  const look = await sight.look()
  expect(Object.keys(look.running)).toHaveLength(30)
  expect(look.now).toBeCloseTo(1000, -1)
})

test('where nobody watches it looks for itself', async () => {
  const { asked, sight } = counted(undefined)
  expect(await sight.look()).toMatchObject({ online: ['pve2'], quorate: true })
  expect(asked.filter((one) => one === 'look')).toHaveLength(2)
})

test("a simulated clock's pace is seen in two readings; a real one is as fast as ours", () => {
  for (const [isReal, now] of [
    [false, 1200],
    [true, 1102],
  ] as const) {
    const clock = new FarClock(isReal)
    clock.read(1000, 0)
    clock.read(1100, 2000)
    expect(clock.now(4000)).toBe(now)
  }
})

test('a machine is dated by a simulated clock as it is then, whatever its pace was', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const times = [1000, 1600]
  const one = { 'vm:1': { node: 'pve2', state: 'started' } }
  const seen = { quorate: true, online: ['pve2'], services: one }
  const { sight } = counted(seen, { paceMs: 150, isReal: false }, () => times.shift()!)
  await sight.look()
  vi.advanceTimersByTime(300)
  expect(await sight.look()).toMatchObject({ now: 1600, running: { 'vm:1': { uptime: 5 } } })
})

test('silence is counted from the first question in vain to the next answer', () => {
  const at = (ms: number, ok: boolean) => ({ at: ms, ok })
  expect(silenceOf([at(0, true), at(500, false), at(250, false), at(750, true), at(1000, false)])).toBe(500)
  expect(silenceOf([at(0, true), at(250, true)])).toBe(0)
})

test('a probe follows no redirect, and connects to no address that is not allowed, by whatever name', async () => {
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const [yes, no] = [() => true, (address: string) => !/^(?:127\.|::1$)/.test(address)]
  expect(await probe({ http: `http://localhost:${port}/` }, yes)).toBe(true)
  expect(await probe({ tcp: { host: '127.0.0.1', port } }, yes)).toBe(true)
  const before = asked
  for (const at of [
    { http: `http://localhost:${port}/` },
    { http: `http://127.0.0.1:${port}/` },
    { tcp: { host: 'localhost', port } },
    { tcp: { host: '127.0.0.1', port } },
  ]) {
    expect(await probe(at, no), JSON.stringify(at)).toBe(false)
  }
  expect(asked).toBe(before)
  server.close()
})

import { beforeEach, describe, expect, test } from 'vitest'
import { PveError, Unreachable } from '../src/proxmox/errors.ts'
import type { Proxmox, Task, TaskFilter, TaskLog, Upid } from '../src/proxmox/port.ts'
import { percentOf } from '../src/proxmox/progress.ts'
import {
  type PollerClock,
  type TaskBoard,
  TaskPoller,
  type TaskState,
  type TrackedTask,
} from '../src/proxmox/task-poller.ts'
import { formatUpid, parseUpid } from '../src/proxmox/upid.ts'

/** Time that passes when the test says so. */
class ManualClock implements PollerClock {
  #nowMs = 1_000_000
  #waiting: { untilMs: number; done: () => void }[] = []

  now = () => this.#nowMs

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((done) => {
      if (signal.aborted) return done()
      this.#waiting.push({ untilMs: this.#nowMs + ms, done })
      signal.addEventListener('abort', () => done(), { once: true })
    })
  }

  async advance(ms: number): Promise<void> {
    this.#nowMs += ms
    const due = this.#waiting.filter(({ untilMs }) => untilMs <= this.#nowMs)
    this.#waiting = this.#waiting.filter((one) => !due.includes(one))
    for (const { done } of due) done()
    await settle()
  }
}

/** Lets everything that can go on now go on. */
const settle = () => new Promise((done) => setImmediate(done))

class MemoryBoard implements TaskBoard {
  tasks = new Map<Upid, boolean>()
  states = new Map<Upid, TaskState>()
  published: TaskState[] = []
  leads = true
  #callbacks = new Set<() => void>()

  lead = async () => this.leads
  tracked = async (): Promise<TrackedTask[]> => [...this.tasks].map(([upid, wantsLog]) => ({ upid, wantsLog }))
  async publish(upid: Upid, state: TaskState) {
    this.states.set(upid, state)
    this.published.push(state)
  }
  onTracked(callback: () => void) {
    this.#callbacks.add(callback)
    return () => void this.#callbacks.delete(callback)
  }
  track(upid: Upid, wantsLog = false) {
    this.tasks.set(upid, wantsLog)
    for (const callback of this.#callbacks) callback()
  }
}

interface FakeTask extends Task {
  log: string[]
  /** The node's list still shows it as running, as Proxmox's does for some seconds. */
  listLags?: boolean
  isUnlisted?: boolean
}

/** The three calls that the poller makes, over tasks in memory; counts them. */
class FakeCluster implements Pick<Proxmox, 'tasks' | 'task' | 'taskLog'> {
  readonly running: FakeTask[] = []
  readonly down = new Set<string>()
  requests: string[] = []
  hung: (() => void)[] | undefined

  add(node: string, type = 'qmclone'): FakeTask {
    const n = this.running.length + 1
    const upid = formatUpid({
      node,
      pid: n,
      pstart: n,
      starttime: 5_000 + n,
      type,
      id: '100',
      user: 'quorum@pve',
      tokenid: 'act',
    })
    const { pid: _, pstart: __, ...rest } = parseUpid(upid)
    const task: FakeTask = { upid, ...rest, log: [] }
    this.running.push(task)
    return task
  }

  async tasks(node: string, filter?: TaskFilter): Promise<Task[]> {
    await this.#answer('list', node)
    expect(filter).toMatchObject({ source: 'all' })
    return this.running
      .filter((task) => task.node === node && task.starttime >= (filter?.since ?? 0) && !task.isUnlisted)
      .slice(0, filter?.limit)
      .map(({ log: _, listLags, exit, endtime, ...task }) =>
        listLags || exit === undefined ? task : { ...task, exit, ...(endtime === undefined ? {} : { endtime }) },
      )
  }

  async task(upid: Upid): Promise<Task> {
    await this.#answer('status', parseUpid(upid).node)
    const found = this.running.find((task) => task.upid === upid)
    if (!found) throw noSuchTask(upid)
    const { log: _, endtime: __, ...task } = found
    return task
  }

  async taskLog(upid: Upid, page: { start: number; limit: number }): Promise<TaskLog> {
    await this.#answer('log', parseUpid(upid).node)
    const log = this.running.find((task) => task.upid === upid)?.log ?? []
    return { lines: log.slice(page.start, page.start + page.limit), total: log.length }
  }

  async #answer(kind: string, node: string): Promise<void> {
    this.requests.push(`${kind} ${node}`)
    if (this.hung && node === 'pve3') await new Promise<void>((done) => this.hung?.push(done))
    if (this.down.has(node)) throw new Unreachable({ method: 'GET', path: '/' }, 'main', [])
  }
}

function noSuchTask(upid: Upid) {
  const answer = {
    endpoint: '',
    status: 400,
    reason: '',
    text: 'Parameter verification failed.',
    fields: { upid: 'no such task' },
  }
  return new PveError({ method: 'GET', path: `/nodes/x/tasks/${upid}/status` }, answer)
}

let clock: ManualClock
let board: MemoryBoard
let cluster: FakeCluster
let poller: TaskPoller
beforeEach(() => {
  clock = new ManualClock()
  board = new MemoryBoard()
  cluster = new FakeCluster()
  poller = new TaskPoller({ proxmox: cluster, board, clock })
})

async function rounds(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await poller.round()
    await clock.advance(1_000)
  }
}

const stateOf = (task: FakeTask) => board.states.get(task.upid) as TaskState
const counts = (kind: string) => cluster.requests.filter((request) => request.startsWith(kind)).length

describe('a task', () => {
  test('is followed from its start to its end', async () => {
    const task = cluster.add('pve2')
    board.track(task.upid)
    await rounds(1)
    expect(stateOf(task)).toEqual({ upid: task.upid, running: true, starttime: 5_001, logTail: [], logTotal: 0 })
    task.exit = 'OK'
    task.endtime = 5_009
    await rounds(1)
    expect(stateOf(task)).toMatchObject({ running: false, exit: 'OK', endtime: 5_009 })
    expect(counts('log')).toBe(0)
  })

  test('that failed or was stopped says how', async () => {
    for (const exit of ['received interrupt', 'WARNINGS: 1', 'unexpected status']) {
      const task = cluster.add('pve1')
      board.track(task.upid)
      task.exit = exit
      await rounds(1)
      expect(stateOf(task)).toMatchObject({ running: false, exit })
    }
  })

  test('ends as soon as its own status says so, and a list that lags does not bring it back', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid)
    board.track(cluster.add('pve1').upid)
    task.listLags = true
    task.exit = 'OK'
    await rounds(3)
    expect(stateOf(task)).toMatchObject({ running: false, exit: 'OK' })
    const seen = board.published.filter((state) => state.upid === task.upid).map((state) => state.running)
    expect(seen.slice(seen.indexOf(false))).not.toContain(true)
  })

  test('that its node’s list does not show is asked for its own status', async () => {
    const task = cluster.add('pve1')
    task.isUnlisted = true
    board.track(task.upid)
    for (let i = 0; i < 5; i++) board.track(cluster.add('pve1').upid)
    await rounds(2)
    task.exit = 'OK'
    await rounds(1)
    expect(stateOf(task)).toMatchObject({ running: false, exit: 'OK' })
  })

  test('that the node no longer knows has ended without an exit', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid)
    cluster.running.pop()
    await rounds(2)
    expect(stateOf(task).running).toBe(false)
    expect(stateOf(task)).not.toHaveProperty('exit')
  })

  test('is not asked about any more once it has ended or left the board', async () => {
    const [ended, left] = [cluster.add('pve1'), cluster.add('pve2')]
    board.track(ended.upid)
    board.track(left.upid)
    ended.exit = 'OK'
    await rounds(1)
    board.tasks.delete(left.upid)
    cluster.requests = []
    await rounds(3)
    expect(cluster.requests).toEqual([])
  })

  test('whose state the board has lost is published again', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid)
    task.exit = 'OK'
    await rounds(1)
    board.states.clear()
    await rounds(4)
    expect(stateOf(task)).toMatchObject({ exit: 'OK' })
  })

  test('whose state has not changed is not published each round', async () => {
    board.track(cluster.add('pve1').upid)
    await rounds(9)
    expect(board.published.length).toBeLessThanOrEqual(4)
  })
})

describe('a node that does not answer', () => {
  test('leaves its tasks as last seen, and unknown since then', async () => {
    const task = cluster.add('pve1')
    const other = cluster.add('pve2')
    board.track(task.upid, true)
    board.track(other.upid)
    task.log.push('transferred 1.0 GiB of 2.0 GiB (50.00%)')
    await rounds(1)
    cluster.down.add('pve1')
    const lostAtMs = clock.now()
    await rounds(3)
    expect(stateOf(task)).toMatchObject({ running: true, percent: 50, unknownSince: lostAtMs })
    expect(stateOf(task)).not.toHaveProperty('exit')
    expect(stateOf(other)).not.toHaveProperty('unknownSince')
    cluster.down.clear()
    task.exit = 'OK'
    await rounds(1)
    expect(stateOf(task)).toMatchObject({ running: false, exit: 'OK' })
    expect(stateOf(task)).not.toHaveProperty('unknownSince')
  })

  test('costs one request a round and holds up no other', async () => {
    const [quick, slow] = [cluster.add('pve1'), cluster.add('pve3')]
    board.track(quick.upid)
    board.track(slow.upid, true)
    cluster.hung = []
    poller.start()
    await settle()
    for (let i = 0; i < 5; i++) await clock.advance(1_000)
    quick.exit = 'OK'
    await clock.advance(1_000)
    expect(stateOf(quick)).toMatchObject({ exit: 'OK' })
    expect(cluster.requests.filter((request) => request.endsWith('pve3')).toSorted()).toEqual([
      'list pve3',
      'log pve3',
      'status pve3',
    ])
    await poller.stop()
  })
})

describe('logs', () => {
  test('are read only for those whom someone watches, with their percent', async () => {
    const [watched, other] = [cluster.add('pve1'), cluster.add('pve1')]
    board.track(watched.upid, true)
    board.track(other.upid)
    watched.log.push('create full clone of drive scsi0', 'transferred 0.0 B of 2.0 GiB (0.00%)')
    await rounds(1)
    expect(stateOf(watched)).toMatchObject({ percent: 0, logTotal: 2 })
    watched.log.push('transferred 1.2 GiB of 2.0 GiB (60.00%)')
    await rounds(1)
    expect(stateOf(watched)).toMatchObject({ percent: 60, logTotal: 3, logTail: watched.log })
    expect(stateOf(other)).toMatchObject({ logTail: [], logTotal: 0 })
  })

  test('are read to their last line after the end, even if nobody tracks the task any more', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid, true)
    await rounds(1)
    task.exit = 'disk full'
    cluster.requests = []
    task.log.push('writing')
    await poller.round()
    board.tasks.delete(task.upid)
    task.log.push('TASK ERROR: disk full')
    await rounds(3)
    expect(stateOf(task)).toMatchObject({ exit: 'disk full', logTail: ['writing', 'TASK ERROR: disk full'] })
    expect(counts('log')).toBe(2)
  })

  test('of which the last line was half written are read again from there', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid, true)
    task.log.push('one', 'tw')
    await rounds(1)
    task.log.splice(1, 1, 'two', 'three')
    await rounds(1)
    expect(stateOf(task)).toMatchObject({ logTail: ['one', 'two', 'three'], logTotal: 3 })
  })

  test('that are very long are not read through', async () => {
    const task = cluster.add('pve1')
    board.track(task.upid, true)
    task.log.push(...Array.from({ length: 20_000 }, (_, i) => `line ${i + 1}`))
    await rounds(2)
    expect(stateOf(task).logTotal).toBe(20_000)
    expect(stateOf(task).logTail.at(-1)).toBe('line 20000')
    expect(stateOf(task).logTail).toHaveLength(20)
    await rounds(1)
    expect(stateOf(task).logTail).toHaveLength(20)
  })

  test('take turns, so that each is read however many there are', async () => {
    const tasks = Array.from({ length: 9 }, () => cluster.add('pve1'))
    for (const task of tasks) {
      board.track(task.upid, true)
      task.log.push('begun')
    }
    await rounds(5)
    expect(counts('log')).toBe(10)
    expect(tasks.map((task) => stateOf(task).logTotal)).toEqual(tasks.map(() => 1))
  })
})

describe('requests', () => {
  test('stay under nodes + 3 in every second, with 300 tasks that begin and end', async () => {
    const nodes = ['pve1', 'pve2', 'pve3']
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < 5; i++) {
        const task = cluster.add(nodes[i % 3] as string)
        if (i === 4) task.isUnlisted = true
        board.track(task.upid, i % 2 === 0)
      }
      for (const task of cluster.running.filter((one) => one.starttime % 3 === 0 && one.starttime < 5_000 + second * 4))
        task.exit = 'OK'
      if (second === 30) cluster.down.add('pve2')
      cluster.requests = []
      await rounds(1)
      expect(cluster.requests.length).toBeLessThanOrEqual(nodes.length + 3)
      for (const node of nodes)
        expect(cluster.requests.filter((r) => r === `list ${node}`).length).toBeLessThanOrEqual(1)
    }
  })

  test('are made by nobody who does not lead', async () => {
    board.track(cluster.add('pve1').upid)
    board.leads = false
    await rounds(3)
    expect([cluster.requests, board.published]).toEqual([[], []])
  })

  test('are made at once for a new task when there was nothing to do, and then once a second', async () => {
    poller.start()
    await settle()
    const task = cluster.add('pve1')
    board.track(task.upid)
    await settle()
    expect(stateOf(task)).toMatchObject({ running: true })
    board.track(cluster.add('pve1').upid)
    await settle()
    expect(counts('list')).toBe(1)
    await clock.advance(999)
    expect(counts('list')).toBe(1)
    await clock.advance(1)
    expect(counts('list')).toBe(2)
    await poller.stop()
    await clock.advance(5_000)
    expect(counts('list')).toBe(2)
  })

  test('go on after the board has failed', async () => {
    const errors: unknown[] = []
    poller = new TaskPoller({ proxmox: cluster, board, clock, onError: (error) => errors.push(error) })
    const task = cluster.add('pve1')
    board.track(task.upid)
    const { publish } = board
    board.publish = () => Promise.reject(new Error('Redis is down'))
    poller.start()
    await settle()
    board.publish = publish
    await clock.advance(1_000)
    expect(errors).toMatchObject([{ message: 'Redis is down' }])
    expect(stateOf(task)).toMatchObject({ running: true })
    await poller.stop()
  })

  test('cannot be had more often than once a second', () => {
    expect(() => new TaskPoller({ proxmox: cluster, board, clock, intervalMs: 500 })).toThrow(RangeError)
  })
})

describe('percent', () => {
  test.each([
    ['qmclone', 'transferred 1.2 GiB of 32.0 GiB (3.75%)', 3.75],
    ['qmclone', 'transferred 0.0 B of 2.0 GiB (0.00%)', 0],
    ['qmmove', 'drive-scsi0: transferred 14.6 GiB of 32.0 GiB (45.60%) in 1m 3s', 45.6],
    [
      'qmmove',
      'drive-scsi0: transferred: 100 bytes remaining: 300 bytes total: 400 bytes progression: 25.00 % busy: 1 ready: 0',
      25,
    ],
    ['vzdump', 'INFO:  12% (3.8 GiB of 32.0 GiB) in 12s, read: 324.5 MiB/s, write: 300.1 MiB/s', 12],
    ['vzdump', 'INFO: 100% (32.0 GiB of 32.0 GiB) in 2m 1s, read: 1.0 GiB/s, write: 0 B/s', 100],
    ['qmrestore', 'progress 7% (read 300547686 bytes, duration 1 sec)', 7],
    ['qmigrate', '2026-11-22 21:31:40 migration active, transferred 1.0 GiB of 4.0 GiB VM-state, 112.0 MiB/s', 25],
    ['qmigrate', '2026-11-22 21:31:40 migration active, transferred 512.0 MiB of 2.0 GiB VM-state', 25],
    ['qmigrate', 'migration active, transferred 6.0 GiB of 4.0 GiB VM-state, 80.0 MiB/s', 100],
    ['qmigrate', '2026-11-22 21:31:40 drive-virtio0: transferred 1.5 GiB of 2.0 GiB (75.00%) in 5s', 75],
    ['download', ' 32768K ........ ........ ........ ........  3%  112M 9s', 3],
    ['qmdestroy', 'Removing image: 34% complete...', 34],
    ['qmclone', 'create full clone of drive scsi0 (shared:101/vm-101-disk-0.qcow2)', undefined],
    ['qmigrate', '2026-11-22 21:31:40 migration completed, transferred 12.0 MiB VM-state', undefined],
    ['vzdump', 'INFO: a file named 50% (of it)', undefined],
    ['qmstart', 'transferred 1.2 GiB of 32.0 GiB (3.75%)', undefined],
  ])('%s: %s', (type, line, percent) => {
    expect(percentOf(type, [line])).toBe(percent)
  })

  test('is that of the newest line that has one', () => {
    const copied = (percent: string) => `transferred 1.0 GiB of 2.0 GiB (${percent}%)`
    expect(percentOf('qmclone', [copied('50.00'), copied('60.00'), 'create full clone of drive scsi1'])).toBe(60)
  })
})

import { describe, expect, test } from 'vitest'
import type { Look, Task } from '../src/ha/look.ts'
import type { Memory } from '../src/ha/memory.ts'
import { isBadNews } from '../src/ha/sight.ts'
import { judge } from '../src/ha/watch.ts'

const t0 = 1_800_000_000

/** Looks at a sound cluster of three nodes, two seconds apart unless told otherwise. */
function watch(guests = 1) {
  let memory: Memory | undefined
  let seconds = 0
  const sound = (): Look => ({
    at: (t0 + seconds) * 1000,
    steady: seconds * 1000,
    gap: 2000,
    ha: [
      { type: 'quorum', node: 'pve1', status: 'OK', quorate: true },
      { type: 'master', node: 'pve1', status: 'pve1 (active, Sun)' },
      { type: 'service', node: 'pve1', status: '', sid: 'vm:100', requestState: 'started' },
    ],
    manager: {
      quorate: true,
      answeredBy: 'pve1',
      master: 'pve1',
      timestamp: t0 + Math.floor(seconds / 10) * 10,
      nodes: { pve1: 'online', pve2: 'online', pve3: 'online' },
      services: Object.fromEntries(
        Array.from({ length: guests }, (_, i) => [`vm:${100 + i}`, { node: 'pve2', state: 'started', running: true }]),
      ),
      lrms: {},
    },
    status: {
      cluster: { name: 'main', quorate: true },
      members: ['pve1', 'pve2', 'pve3'].map((name) => ({ name, online: true, local: name === 'pve1' })),
    },
  })
  const look = (change: (look: Look) => Look = (each) => each) => {
    seconds += 2
    const judged = judge('main', memory, change(sound()))
    memory = judged.memory
    return judged.events
  }
  const looks = (count: number, change?: (look: Look) => Look) =>
    Array.from({ length: count }, () => look(change)).flat()
  return { look, looks, sound, memory: () => memory }
}

const kinds = (events: { kind: string }[]) => events.map(({ kind }) => kind)
const task = (more: Partial<Task>): Task => ({
  upid: 'UPID:1',
  node: 'pve2',
  type: 'qmstart',
  id: '100',
  user: 'root@pam',
  starttime: t0,
  endtime: t0 + 50,
  exit: 'OK',
  ...more,
})

describe('bad input', () => {
  test('a clock that jumps, ours or theirs, is no news', () => {
    const { looks, look } = watch()
    looks(3)
    expect(look((each) => ({ ...each, at: each.at + 3_600_000 }))).toEqual([])
    expect(look((each) => ({ ...each, at: each.at - 3_600_000 }))).toEqual([])
    expect(looks(12, (each) => ({ ...each, manager: { ...each.manager!, timestamp: t0 - 86_400 } }))).toEqual([])
    expect(looks(3)).toEqual([])
  })

  test('an answer from before what was already seen is passed over', () => {
    const { looks, look } = watch()
    looks(10)
    const older = (each: Look): Look => ({
      ...each,
      manager: {
        ...each.manager!,
        timestamp: t0 - 60,
        services: { 'vm:100': { node: 'pve3', state: 'started', running: true } },
      },
    })
    expect(look(older)).toEqual([])
    expect(look()).toEqual([])
  })

  test('a node that lies is not believed, and is asked twice', () => {
    const quiet = watch()
    quiet.looks(3)
    const lying = (each: Look): Look => ({
      ...each,
      manager: { ...each.manager!, quorate: false, nodes: { pve1: 'online', pve2: 'fence', pve3: 'fence' } },
      status: { ...each.status!, members: each.status!.members.map((one) => ({ ...one, online: one.local })) },
    })
    expect(isBadNews(quiet.memory(), lying(quiet.sound()))).toBe(true)
    expect(quiet.look(lying)).toEqual([])
    expect(quiet.look()).toEqual([])
    const two = watch()
    two.looks(3)
    expect(kinds(two.look((each) => ({ ...lying(each), witnesses: ['pve1', 'pve2'] })))).toEqual(['quorum.lost'])
    expect(two.looks(5, lying)).toEqual([])
    expect(kinds(two.look())).toEqual(['quorum.back'])
  })

  test('an endpoint that flaps every second is no storm', () => {
    const { look, looks } = watch()
    looks(3)
    const silent = ({ at, steady, gap }: Look): Look => ({ at, steady, gap })
    for (let i = 0; i < 50; i++) expect([...look(silent), ...look()]).toEqual([])
    expect(kinds([...looks(5, silent), ...look()])).toEqual(['cluster.unseen', 'cluster.seen'])
  })

  test('a cluster of another name with the same nodes is the same cluster', () => {
    const { look, looks } = watch()
    looks(3)
    const renamed = (each: Look): Look => ({
      ...each,
      status: { ...each.status!, cluster: { name: 'other', quorate: true } },
    })
    expect(looks(3, renamed)).toEqual([])
    expect(
      kinds(
        look((each) => ({
          ...renamed(each),
          status: {
            ...each.status!,
            members: each.status!.members.map((one) => ({ ...one, online: one.name !== 'pve3' })),
          },
        })),
      ),
    ).toEqual(['node.lost'])
  })

  test('forty guests that fail at once are forty events, each once', () => {
    const { looks } = watch(40)
    looks(3)
    const failed = (each: Look): Look => ({
      ...each,
      manager: {
        ...each.manager!,
        services: Object.fromEntries(
          Object.entries(each.manager!.services).map(([sid, one]) => [sid, { ...one, state: 'error' }]),
        ),
      },
    })
    const events = looks(5, failed)
    expect(new Set(events.map(({ guest }) => guest)).size).toBe(40)
    expect(events).toHaveLength(40)
  })
})

describe('what Proxmox shows elsewhere', () => {
  test("a start of the manager's that fails is told once, with Proxmox's line and a likely cause", () => {
    const { looks, look } = watch()
    looks(3, (each) => ({ ...each, tasks: [] }))
    const exit = "storage 'NASAccess' does not exist"
    const failed =
      (upid: string) =>
      (each: Look): Look => ({ ...each, tasks: [task({ upid, exit })] })
    expect(look(failed('UPID:1'))).toMatchObject([
      { kind: 'task.failed', guest: 'vm:100', raw: exit, cause: 'storage-missing' },
    ])
    expect([...look(failed('UPID:1')), ...look(failed('UPID:2'))]).toEqual([])
    const list = [task({ upid: 'UPID:0', endtime: t0 + 40 }), task({ upid: 'UPID:2', exit })]
    expect(look((each) => ({ ...each, tasks: list }))).toEqual([])
    // Whoever starts it: it starts.
    const good = task({ upid: 'UPID:3', user: 'ana@pve', node: 'pve3', endtime: t0 + 60 })
    const over = (each: Look): Look => ({ ...each, tasks: [...list, good] })
    expect(look(over)).toMatchObject([{ kind: 'task.done', guest: 'vm:100', node: 'pve3' }])
    expect(look(over)).toEqual([])
    const again = task({ upid: 'UPID:4', exit, endtime: t0 + 70 })
    expect(kinds(look((each) => ({ ...each, tasks: [...list, good, again] })))).toEqual(['task.failed'])
  })

  test('a backup of one guest that fails is over with a later good one; of a whole node nothing says which work is the same', () => {
    const { look } = watch()
    const of = (id: string, upid: string, exit: string, endtime: number) =>
      task({ type: 'vzdump', user: 'backup@pve', id, upid, exit, endtime: t0 + endtime })
    look((each) => ({ ...each, tasks: [] }))
    const bad = [of('100', 'UPID:1', 'job errors', 20), of('', 'UPID:2', 'job errors', 21)]
    expect(look((each) => ({ ...each, tasks: bad }))).toMatchObject([
      { kind: 'backup.failed', guest: 'vm:100' },
      { kind: 'backup.failed' },
    ])
    const good = [of('100', 'UPID:3', 'OK', 30), of('', 'UPID:4', 'OK', 31)]
    expect(look((each) => ({ ...each, tasks: [...bad, ...good] }))).toMatchObject([
      { kind: 'backup.done', guest: 'vm:100' },
    ])
  })

  test('a guest that is taken out of HA is told where HA still owed it something', () => {
    for (const state of ['error', 'started']) {
      const { looks, look } = watch()
      const services = { 'vm:100': { node: 'pve2', state, running: false } }
      looks(3)
      looks(3, (each) => ({ ...each, manager: { ...each.manager!, services } }))
      const events = look((each) => ({ ...each, manager: { ...each.manager!, services: {} } }))
      expect(events.map(({ kind, guest }) => `${kind} ${guest}`)).toEqual(
        state === 'error' ? ['guest.unmanaged vm:100'] : [],
      )
    }
  })

  test('tasks of people, and those that ended before the first look, are no news', () => {
    const { look } = watch()
    look()
    const tasks = [
      task({ upid: 'UPID:1', user: 'ana@pve', exit: 'no' }),
      task({ upid: 'UPID:2', endtime: t0 - 100, exit: 'no' }),
    ]
    expect(look((each) => ({ ...each, tasks }))).toEqual([])
  })

  test('a guest that died and was started again by HA is told once; one that a person restarted is not', () => {
    for (const isWanted of [false, true]) {
      const { looks } = watch()
      const guest =
        (boot: number) =>
        (each: Look): Look => ({
          ...each,
          tasks: isWanted && boot > 0 ? [task({ type: 'qmreboot', user: 'ana@pve', endtime: t0 + 300 })] : [],
          resources: {
            storages: [],
            guests: [{ vmid: 100, kind: 'qemu', node: 'pve2', status: 'running', uptime: each.steady / 1000 - boot }],
          },
        })
      expect(looks(150, guest(-1000))).toEqual([])
      expect(kinds(looks(30, guest(300)))).toEqual(isWanted ? [] : ['guest.restarted'])
    }
  })

  test('a guest that has moved runs in a new process: no restart, however long the move takes; a death after it is one', () => {
    const { looks } = watch()
    const guest =
      (node: string, boot: number) =>
      (each: Look): Look => ({
        ...each,
        manager: { ...each.manager!, services: { 'vm:100': { node, state: 'started', running: true } } },
        tasks: boot < 0 ? [] : [task({ type: 'qmigrate', starttime: t0 + 280, endtime: t0 + 2400, node: 'pve2' })],
        resources: {
          storages: [],
          guests: [{ vmid: 100, kind: 'qemu', node, status: 'running', uptime: each.steady / 1000 - boot }],
        },
      })
    expect(looks(150, guest('pve2', -1000))).toEqual([])
    expect(kinds(looks(3, guest('pve3', -1000)))).toEqual(['guest.moved'])
    expect(looks(100, guest('pve3', 290))).toEqual([])
    expect(kinds(looks(30, guest('pve3', 490)))).toEqual([])
    // Long after any of that.
    expect(kinds(looks(1500, guest('pve3', 490)))).toEqual([])
    expect(kinds(looks(30, guest('pve3', 3540)))).toEqual(['guest.restarted'])
  })

  test('a list of guests that was asked long before it is looked at makes nobody younger', () => {
    const { looks } = watch()
    const late =
      (seconds: number) =>
      (each: Look): Look => ({
        ...each,
        resources: {
          asked: each.steady - seconds * 1000,
          storages: [],
          guests: [
            { vmid: 100, kind: 'qemu', node: 'pve2', status: 'running', uptime: each.steady / 1000 + 1000 - seconds },
          ],
        },
      })
    expect([...looks(150, late(0)), ...looks(30, late(60)), ...looks(30, late(0))]).toEqual([])
  })

  test('a move of the manager that fails is told, and one that a task is at is not stuck', () => {
    const { looks, look } = watch()
    looks(3)
    const moving =
      (tasks: Task[]) =>
      (each: Look): Look => ({
        ...each,
        tasks,
        manager: {
          ...each.manager!,
          services: { 'vm:100': { node: 'pve2', target: 'pve3', state: 'migrate', running: true } },
        },
      })
    const { endtime: _, exit: __, ...atIt } = task({ type: 'qmigrate' })
    expect(looks(400, moving([atIt]))).toEqual([])
    const failed = task({ type: 'qmigrate', upid: 'UPID:2', exit: 'migration aborted' })
    expect(look(moving([failed]))).toMatchObject([{ kind: 'task.failed', values: { type: 'qmigrate' } }])
  })

  test('a storage that a node can no longer use is told, and that it is back', () => {
    const { looks } = watch()
    const storage =
      (status: 'available' | 'unknown') =>
      (each: Look): Look => ({
        ...each,
        resources: { guests: [], storages: [{ storage: 'nas', node: 'pve2', status }] },
      })
    expect(looks(40, storage('available'))).toEqual([])
    expect(looks(2, storage('unknown'))).toEqual([])
    expect(kinds(looks(10, storage('unknown')))).toEqual(['storage.lost'])
    expect(kinds(looks(3, storage('available')))).toEqual(['storage.back'])
  })

  test('a QDevice that is silent for a while, and a replication that begins to fail', () => {
    const { looks } = watch()
    const device =
      (state: string) =>
      (each: Look): Look => ({ ...each, qdevice: { state } })
    looks(3, device('Connected'))
    expect(kinds(looks(30, device('Connecting')))).toEqual(['qdevice.lost'])
    expect(kinds(looks(2, device('Connected')))).toEqual(['qdevice.back'])
    const job =
      (failCount: number) =>
      (each: Look): Look => ({
        ...each,
        replication: { node: 'pve2', jobs: [{ id: '100-0', guest: 100, failCount, error: 'no route to host' }] },
      })
    looks(2, job(0))
    expect(kinds([...looks(3, job(1)), ...looks(3, job(2))])).toEqual(['replication.failed'])
    expect(kinds(looks(3, job(0)))).toEqual(['replication.done'])
  })

  test('a move without an end, a dead master and a dead LRM are told once after a time', () => {
    const { looks } = watch()
    looks(3)
    const moving = (each: Look): Look => ({
      ...each,
      manager: {
        ...each.manager!,
        services: { 'vm:100': { node: 'pve2', target: 'pve3', state: 'migrate', running: true } },
      },
    })
    expect(kinds(looks(400, moving))).toEqual(['guest.stuck'])
    const dead =
      (type: 'master' | 'lrm') =>
      (each: Look): Look => ({
        ...moving(each),
        ha: [
          ...each.ha!.filter((entry) => entry.type !== type),
          { type, node: 'pve2', status: 'pve2 (old timestamp - dead?, Sun)' },
        ],
      })
    expect(kinds(looks(100, dead('lrm')))).toEqual(['lrm.dead'])
    const lrm =
      (status: string) =>
      (each: Look): Look => ({ ...moving(each), ha: [...each.ha!, { type: 'lrm', node: 'pve2', status }] })
    expect(looks(3, lrm('pve2 (unable to read lrm status)'))).toEqual([])
    expect(kinds(looks(3, lrm('pve2 (active, watchdog active, Sun)')))).toEqual(['lrm.back'])
    expect(kinds(looks(200, dead('master')))).toEqual(['master.dead'])
  })
})

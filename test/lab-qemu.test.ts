/**
 * The recorded life of guests and storages, told once more to the simulator from the first call to the last. What
 * happened between the recordings, or by hand on the machines, is done to the model at its place.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GuestConfig, SimNode } from '../src/lab/model.ts'
import { cutNetwork, cutPower, healNetwork, powerOn } from '../src/lab/power.ts'
import type { RunningSim } from '../src/lab/sim.ts'
import { addOps, startRecordedSim } from './recorded-site.ts'
import { apiPath, compareAnswers, loadRecordings, type Override, Player, type Recording } from './replay.ts'

const OURS = /^\/(storage|nodes\/[^/]+\/(qemu|lxc|storage|vzdump|aplinfo))(\/|$)/

/** What is refused before it reaches an endpoint has a test of its own. */
const isOurs = (recording: Recording) =>
  OURS.test(apiPath(recording)) && recording.status !== 401 && recording.name !== 'err.wire-post-600k'

const OF_TASKS = /\.(task|task-log|task-status-end)$|^task\.(running-(status|log)|stop|stopped-(status|log))$/

/** The status, log or end of a task that one of our calls began. */
const taskOf = ({ path, name }: Recording) => {
  const [, encoded, part] = /\/tasks\/(UPID[^/]+)(?:\/(status|log))?$/.exec(path) ?? []
  return encoded === undefined || !OF_TASKS.test(name) ? undefined : { upid: decodeURIComponent(encoded), part }
}

const all = loadRecordings()
const started = new Map(
  all.filter((one) => isOurs(one)).flatMap((one) => (isUpid(dataOf(one)) ? [[String(dataOf(one)), one] as const] : [])),
)
const recordings = all.filter((one) => isOurs(one) || started.has(taskOf(one)?.upid ?? ''))

function dataOf({ body }: Recording) {
  return (body as { data?: unknown } | null)?.data
}

function isUpid(data: unknown) {
  return typeof data === 'string' && data.startsWith('UPID:')
}

/** Recordings that the simulator must not repeat, each with its reason. */
const NOT_REPEATED: Record<string, string> = {
  'locked.POST.101.clone.task-status-end': 'the recording QEMU locked its images; Proxmox’s own build does not',
  'locked.POST.101.clone.task-log': 'the same',
  'guest.POST.move_disk.task-status-end': 'the same',
  'guest.POST.move_disk.task-log': 'the same',
  'locked.POST.101.snapshot.task-status-end': 'the recording QEMU had no savevm commands',
  'locked.POST.101.snapshot.task-log': 'the same',
  'guest.POST.snapshot.task-status-end': 'the same',
  'guest.POST.snapshot.task-log': 'the same',
  'snap.list-broken': 'the remains of that failure: a snapshot in the state "prepare"',
  'clone.full-target.task-status-end': 'the recording qemu-img had no zeroinit driver',
  'clone.full-target.task-log': 'the same',
  'template.make.task-log': 'the line complains of a missing chattr',
  'storage.download-url-refused.task-status-end': 'the recording machine had no wget',
  'storage.download-url-refused.task-log': 'the same',
  'aplinfo.download-no-network.task-status-end': 'the same',
  'aplinfo.download-no-network.task-log': 'the same',
  'vzdump.task-status-end': 'the recording machine had no sendmail',
  'vzdump.task-log': 'the same',
  'vzdump.errors.task-log': 'the recording QEMU had no backup commands',
  'task.warnings2.task-status-end': 'the recording machine had no EFI firmware',
  'task.warnings2.task-log': 'the same',
  'task.killed-worker': 'its worker was killed from outside; replayed with the tasks',
  'standalone.qemu-start.task-log': 'the recording machine had no boot picture for QEMU',
  'err.lxc-create-no-template': 'containers are only read in the lab',
  'err.lxc-create-vmid-exists': 'the same',
}

/** Values that every guest or machine has of its own. */
const VOLATILE = [
  'vmgenid',
  'smbios1',
  'net0',
  'meta',
  'total',
  'used_fraction',
  'md5sum',
  'sha512sum',
  'snaptime',
  'pressurecpusome',
  'pressurecpufull',
]

const MULTIPART = [
  '--XX\r\nContent-Disposition: form-data; name="content"\r\n\r\niso\r\n',
  '--XX\r\nContent-Disposition: form-data; name="filename"; filename="tiny.iso"\r\n',
  `Content-Type: application/octet-stream\r\n\r\n${'\0'.repeat(4096)}\r\n--XX--\r\n`,
].join('')

let sim: RunningSim
let player: Player
const node = (name: string): SimNode => {
  const found = sim.cluster.nodes.find((one) => one.name === name)
  if (!found) throw new Error(`no node ${name}`)
  return found
}
const guests = () => node('pve1').config.guests
const guest = (vmid: number): GuestConfig => {
  const found = guests().get(vmid)
  if (!found) throw new Error(`no guest ${vmid}`)
  return found
}

beforeAll(async () => {
  sim = await startRecordedSim(3)
  player = new Player(sim)
  // The machines of the recordings had no storage.cfg at first, so that `local` was Proxmox's own default.
  for (const host of sim.cluster.nodes) {
    Object.assign(host.config.storages.get('local')?.options ?? {}, { priority: 0, 'prune-backups': 'keep-all=1' })
  }
})
afterAll(async () => {
  player.close()
  await sim.close()
})

/** Simulated seconds. */
const pass = (seconds: number) => sim.cluster.clock.sleep(seconds)

/** A call that the recordings leave out, made by the bot; waits for its task. */
async function call(method: string, path: string, params: Record<string, unknown> = {}): Promise<string> {
  const plain = { seq: '', name: '', node: 'pve1', auth: 'token root@pam!bot', encoding: null, contentType: null }
  const recording = { ...plain, method, path, params, status: 200, reason: 'OK', elapsedMs: 0, body: null }
  const answer = await player.send(recording)
  expect(answer.status, `${method} ${path}: ${answer.text}`).toBe(200)
  const data = (answer.body as { data: unknown }).data
  if (isUpid(data)) await player.untilTaskEnds(String(data))
  return String(data)
}

const remove = (vmid: number) => {
  guests().delete(vmid)
  for (const backing of [sim.cluster.shared.get('dir:/mnt/shared'), node('pve1').local.get('local')]) {
    if (backing) backing.volumes = backing.volumes.filter((volume) => volume.vmid !== vmid)
  }
}

/** The recorded guests had empty disks: nobody inside obeyed a shutdown. */
const silence = () => {
  for (const host of sim.cluster.nodes) for (const process of host.processes.values()) delete process.shutdownSeconds
}

const manage = (vmid: number, state: string, service: string) => {
  const { ha } = node('pve1').config
  ha.resources.set(`vm:${vmid}`, { sid: `vm:${vmid}`, type: 'vm', keys: { state } })
  ha.manager.service_status ??= {}
  ha.manager.service_status[`vm:${vmid}`] = { state: service, node: guest(vmid).node, uid: 'x' }
}

/** Two calls at once, whose answers nobody recorded: their tasks are known by the recorded UPIDs. */
async function race(calls: { method: string; path: string; params?: Record<string, unknown>; upid: string }[]) {
  const { speed } = sim.cluster.clock
  sim.cluster.clock.setSpeed(Math.min(speed, 0.2))
  const answers = await Promise.all(
    calls.map(async ({ method, path, params, upid }) => {
      const plain = { seq: '', name: '', node: 'pve1', auth: 'token root@pam!bot', encoding: null, contentType: null }
      const recording = { ...plain, method, path, params: params ?? {}, status: 200, reason: 'OK', elapsedMs: 0 }
      const answer = await player.send({ ...recording, body: null })
      return [upid, String((answer.body as { data: unknown }).data)] as const
    }),
  )
  for (const [recorded, ours] of answers) player.upids.set(recorded, ours)
  sim.cluster.clock.setSpeed(speed)
}

/** What happened before the call with this number. The clock is slower where calls must meet in the middle of a task. */
const BEFORE: Record<string, () => void | Promise<void>> = {
  '0184': () => addOps(node('pve1').config),
  '0243': () => remove(150),
  '0250': () => remove(150),
  '0258': () => remove(150),
  '0308': silence,
  '0335': () => {
    guest(101).lock = 'snapshot'
    guest(101).snapshots = []
    delete guest(101).parent
    remove(140)
  },
  '0343': () => call('POST', '/nodes/pve1/qemu/101/status/stop').then(() => {}),
  '0371': () => {
    guest(101).lock = 'snapshot-delete'
  },
  '0374': () => {
    delete guest(101).lock
  },
  '0391': async () => remove(110),
  '0426': () => call('POST', '/nodes/pve2/qemu/101/status/start').then(() => {}),
  '0430': () => call('POST', '/nodes/pve1/qemu/101/status/stop').then(() => {}),
  '0464': async () => {
    await call('POST', '/nodes/pve1/qemu/101/status/start')
    silence()
    sim.cluster.clock.setSpeed(10)
  },
  '0476': () => sim.cluster.clock.setSpeed(100),
  '0470': () => pass(1),
  '0564': async () => {
    await call('POST', '/nodes/pve1/qemu/101/status/start')
    manage(101, 'started', 'request_stop')
    manage(110, 'stopped', 'stopped')
  },
  '0584': async () => {
    cutNetwork(sim.cluster, node('pve1'))
    await pass(10)
  },
  '0602': () => sim.cluster.clock.setSpeed(1),
  '0612': async () => {
    sim.cluster.clock.setSpeed(100)
    await pass(12)
    healNetwork(sim.cluster, node('pve1'))
    await pass(15)
    cutPower(sim.cluster, node('pve1'))
    await pass(10)
  },
  '0636': async () => {
    powerOn(sim.cluster, node('pve1'))
    await pass(20)
    // The HA stack had moved these two.
    for (const vmid of [101, 102]) guest(vmid).node = 'pve2'
  },
  '0684': () => {
    node('pve1').config.ha.resources.clear()
  },
  '0697': () =>
    race([
      {
        method: 'POST',
        path: '/nodes/pve1/qemu/111/clone',
        params: { newid: 171, full: 1 },
        upid: 'UPID:pve1:00000129:00068BB1:6B035D59:qmclone:111:root@pam!bot:',
      },
      {
        method: 'POST',
        path: '/nodes/pve1/qemu/111/clone',
        params: { newid: 171, full: 1 },
        upid: 'UPID:pve1:0000012A:00068BB8:6B035D59:qmclone:111:root@pam!bot:',
      },
    ]),
  '0688': () => sim.cluster.clock.setSpeed(5),
  '0694': () => sim.cluster.clock.setSpeed(100),
  '0701': () => sim.cluster.clock.setSpeed(4),
  '0707': () => sim.cluster.clock.setSpeed(100),
  '0703': () =>
    race([
      {
        method: 'DELETE',
        path: '/nodes/pve1/qemu/111',
        upid: 'UPID:pve1:0000013E:00068C2A:6B035D5B:qmdestroy:111:root@pam!bot:',
      },
    ]),
  '0713': async () => {
    for (const _ of [1, 2]) await call('POST', '/nodes/pve1/qemu/112/vncproxy')
  },
  // Old enough for the oldest figure.
  '0716': () => {
    guest(112).keys.meta = 'creation-qemu=10.0.13,ctime=1000000000'
  },
  '0760': async () => {
    await call('POST', '/nodes/pve2/qemu/101/status/start')
    manage(101, 'ignored', 'started')
    manage(110, 'stopped', 'stopped')
  },
  '0812': async () => {
    node('pve1').config.ha.resources.clear()
    await call('POST', '/nodes/pve2/qemu/101/status/start')
    manage(101, 'started', 'started')
  },
  '0825': () =>
    call('POST', '/nodes/pve1/qemu', {
      vmid: 190,
      memory: 64,
      scsi0: 'local:1,format=qcow2',
      ide2: 'cdrom,media=cdrom',
      net0: 'virtio,bridge=vmbr0',
    }).then(() => {}),
  '0849': async () => {
    await call('PUT', '/nodes/pve1/qemu/190/config', { delete: 'ide2', bios: 'ovmf', boot: 'order=scsi0;net0' })
  },
  // Theirs did not come up for want of firmware.
  '0854': () => void node('pve1').processes.delete(190),
}

const OVERRIDES: Record<string, () => Override | Promise<Override>> = {
  'storage.upload': () => ({ body: MULTIPART, headers: { 'content-length': String(Buffer.byteLength(MULTIPART)) } }),
  'wire.long-description-9000': () => ({ params: { description: 'x'.repeat(9000) } }),
  'qemu-config-put-digest-ok': async () => ({ params: { memory: 96, digest: await digestOf(101) } }),
}

async function digestOf(vmid: number): Promise<string> {
  const plain = { seq: '', name: '', node: 'pve1', auth: 'token root@pam!bot', encoding: null, contentType: null }
  const path = `/nodes/${guest(vmid).node}/qemu/${vmid}/config`
  const recording = { ...plain, method: 'GET', path, params: null, status: 200, reason: 'OK', elapsedMs: 0, body: null }
  return (await player.send(recording)).body === null
    ? ''
    : String(((await player.send(recording)).body as { data: { digest: string } }).data.digest)
}

/** Lines that the recording machines alone wrote. */
const FOREIGN = /System is booting up|checking\/canceling old backup job failed/

/** Without what depends on speed and time: how far a copy is, when a line was written, how fast it went. */
const steady = (lines: string[]) =>
  lines
    .filter((line) => !/^transferred (?!0\.0 B)(?!(\S+ \S+) of \1 )/.test(line))
    .filter((line) => !FOREIGN.test(line) && !/ bytes .* copied, |\d records (in|out)$/.test(line))
    .map((line) =>
      line
        .replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, 'TIME ')
        .replace(/duration \d\d:\d\d:\d\d/, 'DURATION')
        .replace(/speed: \S+ MiB\/s - downtime \d+ ms/, 'SPEED')
        .replace(/transferred \S+ MiB VM-state/, 'AMOUNT')
        .replace(/pveupload-[0-9a-f]{32}/, 'pveupload')
        .replace(/^(kvm|qemu-system-x86_64): -blockdev .*\}: /, 'QEMU '),
    )

/** The recordings escaped an exclamation mark, which our UPIDs are not looked up with. */
const unescaped = (recording: Recording) => ({ ...recording, path: decodeURIComponent(recording.path) })

/** The recordings waited for most tasks; these calls were made while one ran. */
const MEANWHILE = [
  ['0465', '0475'],
  ['0603', '0604'],
  ['0684', '0693'],
  ['0713', '0713'],
] as const

async function settle({ seq }: Recording) {
  if (MEANWHILE.some(([from, to]) => seq >= from && seq <= to)) return
  const open = () => sim.cluster.nodes.some((host) => host.tasks.some((task) => task.endtime === undefined))
  while (open()) await pass(0.5)
}

async function compareTask(recording: Recording, upid: string, part: string | undefined): Promise<string[]> {
  if (!player.upids.has(upid)) return [`its task was never started: ${upid}`]
  if (!/running|task\.stop$|noquorum.delete/.test(recording.name)) await player.untilTaskEnds(upid)
  if (part !== 'log') return player.play(unescaped(recording))
  const answer = await player.send(unescaped(recording))
  const lines = (body: unknown) =>
    (body as { data: { n: number; t: string }[] }).data.toSorted((a, b) => a.n - b.n).map(({ t }) => t)
  const [was, is] = [steady(lines(recording.body)), steady(lines(answer.body))]
  const same = JSON.stringify(was) === JSON.stringify(is)
  return [
    ...compareAnswers({ ...recording, body: null, bodyRaw: answer.text }, answer),
    ...(same ? [] : [`log:\n${was.join('\n')}\n-- but got\n${is.join('\n')}`]),
  ]
}

const NUMBERS_OVER_TIME = new Set([
  ...['time', 'cpu', 'maxcpu', 'mem', 'maxmem', 'disk', 'maxdisk', 'netin', 'netout', 'diskread', 'diskwrite'],
  ...['total', 'used'],
])

/** As many points as recorded, as far apart, nothing but known figures in them. */
async function compareFigures(recording: Recording): Promise<string[]> {
  const answer = await player.send(recording)
  const points = (answer.body as { data: Record<string, unknown>[] }).data
  const theirs = dataOf(recording) as Record<string, number>[]
  const step = (list: Record<string, unknown>[]) => Number(list[1]?.time) - Number(list[0]?.time)
  const strange = points.flatMap((point) =>
    Object.entries(point).filter(([key, value]) => !NUMBERS_OVER_TIME.has(key) || typeof value !== 'number'),
  )
  const missing = Object.keys(theirs.at(-1) ?? {}).filter((key) => !(key in (points.at(-1) ?? {})))
  return [
    ...(points.length === theirs.length ? [] : [`${points.length} points, recorded ${theirs.length}`]),
    ...(step(points) === step(theirs) ? [] : [`${step(points)} s apart, recorded ${step(theirs)}`]),
    ...[...strange.map(([key]) => key), ...missing].map((key) => `figure ${key}`),
  ]
}

/** The list of `pending`, in any order; what every guest has of its own only by its key. */
async function comparePending(recording: Recording): Promise<string[]> {
  const answer = await player.send(recording)
  const rows = (body: unknown) =>
    (body as { data: { key: string; value?: unknown }[] }).data
      .map((row) => ([...VOLATILE, 'digest'].includes(row.key) ? { key: row.key } : row))
      .toSorted((a, b) => a.key.localeCompare(b.key))
  expect(rows(answer.body)).toEqual(rows(recording.body))
  return []
}

/** Lists whose members are known by a key of their own. */
const KEYED: Record<string, (data: never) => Record<string, unknown>[]> = {
  'standalone.nodes.pve1.aplinfo': (data) => data,
  'limited.aplinfo': (data) => data,
  'storage-content-iso': (data) => data,
  'migrate.preconditions-local-disk': (data: { local_disks: Record<string, unknown>[] }) => data.local_disks,
}

const byName = (rows: Record<string, unknown>[]) =>
  Object.fromEntries(rows.map((row) => [row.volid ?? row.template, row]))

async function compareVolumes(recording: Recording): Promise<string[]> {
  const rows = KEYED[recording.name]
  const answer = await player.send(recording)
  const keyed = (body: unknown) => ({ data: byName(rows?.((body as { data: never }).data) ?? []) })
  return compareAnswers(
    { ...recording, body: keyed(recording.body) },
    { ...answer, body: keyed(answer.body) },
    { volatile: VOLATILE },
  )
}

async function compare(recording: Recording): Promise<string[]> {
  const task = taskOf(recording)
  if (task) return compareTask(recording, task.upid, task.part)
  await settle(recording)
  if (/rrddata$/.test(recording.name) && recording.status === 200) return compareFigures(recording)
  if (recording.name in KEYED) return compareVolumes(recording)
  if (/^qemu-pending/.test(recording.name)) return comparePending(recording)
  const override = await OVERRIDES[recording.name]?.()
  return player.play(recording, { rules: { volatile: VOLATILE }, ...(override && { override }) })
}

describe('guests and storages answer as recorded', () => {
  for (const recording of recordings) {
    const reason = NOT_REPEATED[recording.name]
    test(`${recording.seq} ${recording.name}${reason === undefined ? '' : ' (played, not compared)'}`, async () => {
      for (const seq of Object.keys(BEFORE).sort()) {
        if (seq > recording.seq) break
        const happen = BEFORE[seq]
        delete BEFORE[seq]
        await happen?.()
      }
      const differences = await compare(recording)
      if (reason === undefined && differences.length > 0) expect.fail(differences.join('\n'))
    })
  }
})

test('nothing is excused that is not recorded', () => {
  const names = new Set(recordings.map(({ name }) => name))
  expect(Object.keys(NOT_REPEATED).filter((name) => !names.has(name))).toEqual([])
})

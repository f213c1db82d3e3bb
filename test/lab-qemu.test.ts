/**
 * The recorded life of guests and storages, told once more to the simulator from the first call to the last. What
 * happened between the recordings, or by hand on the machines, is done to the model at its place.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GuestConfig, SimNode } from '../src/lab/model.ts'
import { cutNetwork, cutPower, healNetwork, powerOn } from '../src/lab/power.ts'
import type { RunningSim } from '../src/lab/sim.ts'
import { addOps, startRecordedSim } from './recorded-site.ts'
import { apiPath, compareAnswers, loadRecordings, type Override, Player, type Recording, type Rules } from './replay.ts'

const OURS = /^\/(storage|nodes\/[^/]+\/(qemu|lxc|storage))(\/|$)/

const isOurs = (recording: Recording) => OURS.test(apiPath(recording)) && recording.status !== 401

/** The status or log of a task, which the recordings ask for after its start. */
const taskOf = ({ path }: Recording) => {
  const [, encoded, part] = /\/tasks\/(UPID[^/]+)\/(status|log)$/.exec(path) ?? []
  return encoded === undefined ? undefined : { upid: decodeURIComponent(encoded), part }
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

/** Recordings that the simulator must not repeat, each with its reason. By name, or by seq where a name is used twice. */
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
  'task.warnings2.task-status-end': 'the recording machine had no EFI firmware',
  'task.warnings2.task-log': 'the same',
  'task.killed-worker': 'its worker was killed from outside; replayed with the tasks',
  'task.killed-worker-status': 'the same',
  'task.killed-worker-log': 'the same',
  'standalone.qemu-start.task-log': 'the recording machine had no boot picture for QEMU',
  'err.lxc-create-no-template': 'containers are only read in the lab',
  'err.lxc-create-vmid-exists': 'the same',
}

/** Pages of answers that are other on our machines. */
const VOLATILE = ['vmgenid', 'smbios1', 'net0', 'meta', 'total', 'used_fraction', 'pressurecpusome', 'pressurecpufull']
const RULES: Record<string, Rules> = {
}

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
const home = (vmid: number) => node(guest(vmid).node)

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
  const answers = await Promise.all(
    calls.map(async ({ method, path, params, upid }) => {
      const plain = { seq: '', name: '', node: 'pve1', auth: 'token root@pam!bot', encoding: null, contentType: null }
      const recording = { ...plain, method, path, params: params ?? {}, status: 200, reason: 'OK', elapsedMs: 0 }
      const answer = await player.send({ ...recording, body: null })
      return [upid, String((answer.body as { data: unknown }).data)] as const
    }),
  )
  for (const [recorded, ours] of answers) player.upids.set(recorded, ours)
}

/** What happened before the call with this number. */
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
  },
  '0470': () => pass(1),
  '0564': () => {
    manage(101, 'started', 'request_stop')
    manage(110, 'stopped', 'stopped')
  },
  '0584': async () => {
    cutNetwork(sim.cluster, node('pve1'))
    await pass(10)
  },
  '0612': async () => {
    healNetwork(sim.cluster, node('pve1'))
    await pass(15)
    cutPower(sim.cluster, node('pve1'))
    await pass(10)
  },
  '0636': async () => {
    powerOn(sim.cluster, node('pve1'))
    await pass(20)
  },
  '0684': () => node('pve1').config.ha.resources.clear(),
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
}

const OVERRIDES: Record<string, () => Override | Promise<Override>> = {
  'storage.upload': () => ({ body: MULTIPART, headers: { 'content-length': String(Buffer.byteLength(MULTIPART)) } }),
  'qemu-config-put-digest-ok': async () => ({ params: { memory: 96, digest: await digestOf(101) } }),
}

async function digestOf(vmid: number): Promise<string> {
  const plain = { seq: '', name: '', node: 'pve1', auth: 'token root@pam!bot', encoding: null, contentType: null }
  const path = `/nodes/${guest(vmid).node}/qemu/${vmid}/config`
  const recording = { ...plain, method: 'GET', path, params: null, status: 200, reason: 'OK', elapsedMs: 0, body: null }
  return (await player.send(recording)).body === null ? '' : String(((await player.send(recording)).body as { data: { digest: string } }).data.digest)
}

/** Lines that depend on speed and time: how far a copy is, when a line was written. */
const steady = (lines: string[]) =>
  lines
    .filter((line) => !/^transferred (?!0\.0 B)(?!(\S+ \S+) of \1 )/.test(line))
    .map((line) => line.replace(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d /, 'TIME ').replace(/duration \d\d:\d\d:\d\d/, 'DURATION'))

/** The recordings escaped an exclamation mark, which our UPIDs are not looked up with. */
const unescaped = (recording: Recording) => ({ ...recording, path: decodeURIComponent(recording.path) })

/** The recordings waited for most tasks; these calls were made while one ran. */
const MEANWHILE = [
  ['0465', '0475'],
  ['0603', '0604'],
  ['0684', '0693'],
] as const

async function settle({ seq }: Recording) {
  if (MEANWHILE.some(([from, to]) => seq >= from && seq <= to)) return
  const open = () => sim.cluster.nodes.some((host) => host.tasks.some((task) => task.endtime === undefined))
  while (open()) await pass(0.5)
}

async function compareTask(recording: Recording, upid: string, part: string | undefined): Promise<string[]> {
  if (!player.upids.has(upid)) return [`its task was never started: ${upid}`]
  if (!/running/.test(recording.name)) await player.untilTaskEnds(upid)
  if (part === 'status') return player.play(unescaped(recording))
  const answer = await player.send(unescaped(recording))
  const lines = (body: unknown) => (body as { data: { n: number; t: string }[] }).data.toSorted((a, b) => a.n - b.n).map(({ t }) => t)
  const [was, is] = [steady(lines(recording.body)), steady(lines(answer.body))]
  const same = JSON.stringify(was) === JSON.stringify(is)
  return [...compareAnswers({ ...recording, body: null, bodyRaw: answer.text }, answer), ...(same ? [] : [`log:\n${was.join('\n')}\n-- but got\n${is.join('\n')}`])]
}

async function compare(recording: Recording): Promise<string[]> {
  const task = taskOf(recording)
  if (task) return compareTask(recording, task.upid, task.part)
  await settle(recording)
  const override = await OVERRIDES[recording.name]?.()
  const rules = { volatile: VOLATILE, ...RULES[recording.name] }
  return player.play(recording, { rules, ...(override && { override }) })
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

void home

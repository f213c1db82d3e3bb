/** What guests do in the simulated cluster beyond what was recorded: volumes, space, time, and what an accident leaves. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Backing, GuestConfig, SimNode } from '../src/lab/model.ts'
import { usedOn } from '../src/lab/model.ts'
import { cutPower } from '../src/lab/power.ts'
import { startSim } from '../src/lab/sim.ts'
import { stopTask, type TaskRecord } from '../src/lab/tasks.ts'
import { Caller } from './lab-calls.ts'

const GIB = 1024 ** 3

let lab: Caller
beforeEach(async () => {
  lab = new Caller(await startSim({ port: 0, seed: 11, speed: 400 }))
})
afterEach(() => lab.close())

const cluster = () => lab.sim.cluster
const node = (name: string): SimNode => cluster().nodes.find((one) => one.name === name)!
const guest = (vmid: number): GuestConfig => node('pve1').config.guests.get(vmid)!
const thin = (name = 'pve1') => node(name).local.get('local-lvm')!
const array = () => cluster().shared.get('lvm:vg_array')!
const names = (backing: Backing) => backing.volumes.map(({ name }) => name)

const create = (params: Record<string, unknown>, on = 'pve1') => lab.run('POST', `/nodes/${on}/qemu`, params)
const vm = (vmid: number, path = '', on = 'pve1') => `/nodes/${on}/qemu/${vmid}${path}`

/** Stands the clock still, so that a task can be looked at in its middle; `pass` moves it. */
const freeze = () => cluster().clock.setSpeed(0)
async function pass(seconds: number) {
  await cluster().clock.advance(seconds)
  await new Promise((resolve) => setImmediate(resolve))
}

const ended = (task: TaskRecord) => task.exitstatus

describe('creating', () => {
  test('names volumes after their storage', async () => {
    node('pve1').config.storages.get('local')!.content.push('images')
    const disks = { scsi0: 'local-lvm:8', scsi1: 'local-lvm:4', scsi2: 'Storage:32', scsi3: 'local:2,format=qcow2' }
    expect(ended(await create({ vmid: 100, ...disks }))).toBe('OK')
    expect(guest(100).keys).toMatchObject({
      scsi0: 'local-lvm:vm-100-disk-0,size=8G',
      scsi1: 'local-lvm:vm-100-disk-1,size=4G',
      scsi2: 'Storage:vm-100-disk-0,size=32G',
      scsi3: 'local:100/vm-100-disk-0.qcow2,size=2G',
      boot: 'order=scsi0',
    })
    expect(names(array())).toEqual(['vm-100-disk-0'])
  })

  test('has a locked config with its description at once, disks before the end', async () => {
    freeze()
    const task = await lab.begin('POST', '/nodes/pve1/qemu', { vmid: 100, scsi0: 'Storage:1', description: 'mine' })
    expect(guest(100)).toMatchObject({ lock: 'create', keys: { description: 'mine' } })
    await pass(0.6)
    expect(names(array())).toEqual(['vm-100-disk-0'])
    expect(task.endtime).toBeUndefined()
    await pass(3)
    expect(ended(task)).toBe('OK')
    expect(guest(100).lock).toBeUndefined()
    expect(task.endtime! - task.starttime).toBeLessThanOrEqual(3)
  })

  test('starts what shall be started, in a task of its own', async () => {
    const task = await create({ vmid: 100, memory: 512, start: 1 })
    expect(task.lines).toContain('Execute autostart')
    const start = node('pve1').tasks.find(({ type }) => type === 'qmstart')!
    expect(ended(await lab.end(start))).toBe('OK')
    expect(node('pve1').processes.has(100)).toBe(true)
  })

  test('takes the whole size from thick storages, nothing yet from thin ones', async () => {
    const before = [usedOn(array()), usedOn(thin())]
    await create({ vmid: 100, scsi0: 'Storage:100', scsi1: 'local-lvm:100' })
    expect(usedOn(array()) - before[0]!).toBe(100 * GIB)
    expect(usedOn(thin()) - before[1]!).toBe(0)
  })

  test('fails inside the task where space is short, and leaves nothing', async () => {
    array().baseUsed = array().total - 10 * GIB
    const task = await create({ vmid: 100, scsi0: 'local-lvm:4', scsi1: 'Storage:20' })
    expect(ended(task)).toBe(
      `unable to create VM 100 - lvcreate 'vg_array/vm-100-disk-0' error:   Volume group "vg_array" has insufficient free space (2560 extents): 5120 required.`,
    )
    expect(node('pve1').config.guests.has(100)).toBe(false)
    expect(names(thin()).filter((name) => name.startsWith('vm-100'))).toEqual([])
  })

  test('that is stopped takes everything back; that dies with its host leaves a locked config', async () => {
    freeze()
    const stopped = await lab.begin('POST', '/nodes/pve1/qemu', { vmid: 100, scsi0: 'Storage:1' })
    await pass(0.6)
    stopTask(stopped)
    await pass(0.1)
    expect(ended(stopped)).toBe('unable to create VM 100 - received interrupt')
    expect(node('pve1').config.guests.has(100)).toBe(false)
    expect(names(array())).toEqual([])

    const killed = await lab.begin('POST', '/nodes/pve1/qemu', { vmid: 101, scsi0: 'Storage:1' })
    await pass(0.6)
    cutPower(cluster(), node('pve1'))
    await pass(0.1)
    expect(ended(killed)).toBe('unexpected status')
    expect(node('pve2').config.guests.get(101)?.lock).toBe('create')
    expect(names(array())).toEqual(['vm-101-disk-0'])
  })

  test('refuses a storage that holds no disks, before the task', async () => {
    const refused = await lab.call('POST', '/nodes/pve1/qemu', { vmid: 100, scsi0: 'NASAccess:8' })
    expect(refused).toMatchObject({
      status: 400,
      errors: { storage: "storage 'NASAccess' does not support vm images" },
    })
  })

  test('makes a cloud-init drive and imports a disk', async () => {
    node('pve1')
      .local.get('local')!
      .volumes.push({ name: 'import/cloud.qcow2', content: 'import', format: 'qcow2', size: 3 * GIB, ctime: 0 })
    const task = await create({
      vmid: 100,
      ide2: 'local-lvm:cloudinit',
      scsi0: 'local-lvm:0,import-from=local:import/cloud.qcow2',
    })
    expect(ended(task)).toBe('OK')
    expect(guest(100).keys).toMatchObject({
      ide2: 'local-lvm:vm-100-cloudinit,media=cdrom',
      scsi0: 'local-lvm:vm-100-disk-0,size=3G',
    })
  })
})

describe('power', () => {
  test('a guest obeys within 5 to 15 seconds, unless it is tagged no-acpi', async () => {
    await create({ vmid: 100, start: 1 })
    await create({ vmid: 101, start: 1, tags: 'no-acpi' })
    for (const task of node('pve1').tasks) await lab.end(task)
    freeze()
    const obeyed = await lab.begin('POST', vm(100, '/status/shutdown'))
    await pass(4.9)
    expect(ended(obeyed)).toBeUndefined()
    await pass(11)
    expect(ended(obeyed)).toBe('OK')
    cluster().clock.setSpeed(400)
    const ignored = await lab.run('POST', vm(101, '/status/shutdown'), { timeout: 30 })
    expect(ended(ignored)).toBe('VM quit/powerdown failed - got timeout')
    const forced = await lab.run('POST', vm(101, '/status/shutdown'), { timeout: 5, forceStop: 1 })
    expect(forced.lines).toEqual(['VM still running - terminating now with SIGTERM', 'TASK OK'])
  })

  test('a second worker waits ten seconds for the lock of the first', async () => {
    await create({ vmid: 101, tags: 'no-acpi', start: 1 })
    for (const task of node('pve1').tasks) await lab.end(task)
    const first = await lab.begin('POST', vm(101, '/status/shutdown'), { timeout: 9000 })
    const second = await lab.run('POST', vm(101, '/status/stop'))
    expect(second.lines).toEqual([
      'trying to acquire lock...',
      "TASK ERROR: can't lock file '/var/lock/qemu-server/lock-101.conf' - got timeout",
    ])
    const third = await lab.run('POST', vm(101, '/status/stop'), { 'overrule-shutdown': 1 })
    expect(ended(third)).toBe('OK')
    expect(ended(await lab.end(first))).toBe('received interrupt')
  })

  test('a running guest keeps its memory until it restarts', async () => {
    await create({ vmid: 100, memory: 1024, start: 1 })
    for (const task of node('pve1').tasks) await lab.end(task)
    await lab.call('PUT', vm(100, '/config'), { memory: 2048, name: 'web' })
    expect((await lab.call('GET', vm(100, '/config'))).data).toMatchObject({ memory: '2048', name: 'web' })
    expect((await lab.call('GET', vm(100, '/config'), { current: 1 })).data).toMatchObject({ memory: '1024' })
    expect((await lab.call('GET', vm(100, '/pending'))).data).toContainEqual({
      key: 'memory',
      value: '1024',
      pending: '2048',
    })
    expect(ended(await lab.run('POST', vm(100, '/status/reboot')))).toBe('OK')
    await cluster().clock.sleep(3)
    expect((await lab.call('GET', vm(100, '/status/current'))).data).toMatchObject({
      status: 'running',
      maxmem: 2 * GIB,
    })
  })

  test('what QEMU would trip over ends the start', async () => {
    await create({ vmid: 100, cores: 64, net0: 'virtio,bridge=vmbr99' })
    expect(ended(await lab.run('POST', vm(100, '/status/start')))).toBe('MAX 24 vcpus allowed per VM on this node')
    await lab.call('PUT', vm(100, '/config'), { cores: 1 })
    const task = await lab.run('POST', vm(100, '/status/start'))
    expect(task.lines[0]).toBe("bridge 'vmbr99' does not exist")
    expect(ended(task)).toBe('start failed: QEMU exited with code 1')
  })

  test('hibernation keeps the memory on a disk', async () => {
    await create({ vmid: 100, memory: 1024, scsi0: 'local-lvm:8', start: 1 })
    for (const task of node('pve1').tasks) await lab.end(task)
    expect(ended(await lab.run('POST', vm(100, '/status/suspend'), { todisk: 1 }))).toBe('OK')
    expect(guest(100).lock).toBe('suspended')
    expect(names(thin()).some((name) => name.startsWith('vm-100-state-suspend'))).toBe(true)
    const woken = await lab.run('POST', vm(100, '/status/start'))
    expect(woken.lines[0]).toBe('Resuming suspended VM')
    expect(guest(100)).not.toHaveProperty('lock')
    expect(names(thin()).some((name) => name.startsWith('vm-100-state'))).toBe(false)
  })
})

describe('clones', () => {
  test('of a template are linked where the storage can, and hold it fast', async () => {
    const linked = await lab.run('POST', vm(9000, '/clone'), { newid: 100, name: 'web' })
    expect(ended(linked)).toBe('OK')
    expect(guest(100).keys).toMatchObject({ name: 'web', scsi0: 'local-lvm:vm-100-disk-0,size=16G' })
    expect(guest(100).keys.net0).not.toBe(guest(9000).keys.net0)
    expect(ended(await lab.run('DELETE', vm(9000)))).toBe(
      "base volume 'local-lvm:base-9000-disk-0' is still in use by linked cloned",
    )
  })

  test('that are linked need a template on a storage that knows them', async () => {
    await create({ vmid: 100, scsi0: 'Storage:1' })
    const refused = await lab.call('POST', vm(100, '/clone'), { newid: 101, full: 0 })
    expect(refused).toMatchObject({ status: 500, reason: "Linked clone feature is not supported for drive 'scsi0'" })
    const moved = await lab.call('POST', vm(9000, '/clone'), { newid: 101, storage: 'Storage' })
    expect(moved.reason).toBe("parameter 'storage' not allowed for linked clones")
    const away = await lab.call('POST', vm(9000, '/clone'), { newid: 101, target: 'pve2' })
    expect(away.reason).toBe("can't clone VM to node 'pve2' (VM uses local storage)")
  })

  test('show themselves locked while they are copied at 500 MB a second', async () => {
    freeze()
    const task = await lab.begin('POST', vm(9000, '/clone'), {
      newid: 100,
      full: 1,
      storage: 'Storage',
      description: 'copy',
    })
    await pass(10)
    expect(guest(100)).toMatchObject({ lock: 'clone', keys: { description: 'copy', cores: 2 } })
    expect(task.percent).toBeGreaterThan(20)
    const copied = task.lines.filter((line) => line.startsWith('transferred'))
    expect(copied[0]).toBe('transferred 0.0 B of 16.0 GiB (0.00%)')
    expect(copied.at(-1)).toMatch(/^transferred \d\.\d GiB of 16\.0 GiB \(2\d\.\d\d%\)$/)
    await pass(40)
    expect(ended(task)).toBe('OK')
    expect(task.endtime! - task.starttime).toBeGreaterThan(30)
    expect(guest(100).keys.scsi0).toBe('Storage:vm-100-disk-0,size=16G')
  })

  test('that are stopped vanish again', async () => {
    freeze()
    const task = await lab.begin('POST', vm(9000, '/clone'), { newid: 100, full: 1, storage: 'Storage' })
    await pass(10)
    await lab.call('DELETE', `/nodes/pve1/tasks/${encodeURIComponent(task.upid)}`)
    await pass(0.1)
    expect(ended(task)).toMatch(
      /^clone failed: copy failed: command '.*qemu-img convert .*' failed: interrupted by signal$/,
    )
    expect(node('pve1').config.guests.has(100)).toBe(false)
    expect(names(array())).toEqual([])
  })

  test('of a running guest are mirrored, and fail where the target fills up', async () => {
    await create({ vmid: 100, scsi0: 'Storage:8', start: 1 })
    for (const task of node('pve1').tasks) await lab.end(task)
    const task = await lab.run('POST', vm(100, '/clone'), { newid: 101, storage: 'local-lvm' })
    expect(task.lines).toContain('drive mirror is starting for drive-scsi0')
    expect(task.lines).toContain("all 'mirror' jobs are ready")
    await lab.run('POST', vm(100, '/status/stop'))
    thin().baseUsed = thin().total - usedOn(thin()) - 2 * GIB
    const full = await lab.run('POST', vm(100, '/clone'), { newid: 102, storage: 'local-lvm' })
    expect(full.lines.some((line) => line.endsWith('No space left on device'))).toBe(true)
    expect(ended(full)).toMatch(/^clone failed: copy failed: .* failed: exit code 1$/)
  })
})

describe('migration', () => {
  const start = async (vmid: number, disk: string, more = {}) => {
    await create({ vmid, memory: 2048, scsi0: disk, start: 1, ...more })
    for (const task of node('pve1').tasks) await lab.end(task)
  }

  test('moves a running guest with its disk on the array', async () => {
    await start(100, 'Storage:8')
    await cluster().clock.sleep(60)
    const task = await lab.run('POST', vm(100, '/migrate'), { target: 'pve2', online: 1 })
    expect(ended(task)).toBe('OK')
    expect(task.lines.some((line) => /migration active, transferred .* of 2\.0 GiB VM-state/.test(line))).toBe(true)
    expect([guest(100).node, node('pve1').processes.has(100), node('pve2').processes.has(100)]).toEqual([
      'pve2',
      false,
      true,
    ])
    expect(guest(100).lock).toBeUndefined()
  })

  test('takes local disks along only when told to', async () => {
    await start(100, 'local-lvm:8')
    const refused = await lab.run('POST', vm(100, '/migrate'), { target: 'pve2', online: 1 })
    expect(ended(refused)).toBe('migration aborted')
    expect(refused.lines.join('\n')).toContain(
      "can't migrate local disk 'local-lvm:vm-100-disk-0': can't live migrate attached local disks without with-local-disks option",
    )
    expect(guest(100).lock).toBeUndefined()
    const moved = await lab.run('POST', vm(100, '/migrate'), { target: 'pve2', online: 1, 'with-local-disks': 1 })
    expect(ended(moved)).toBe('OK')
    expect(names(thin('pve2'))).toEqual(['vm-100-disk-0'])
    expect(names(thin('pve1')).includes('vm-100-disk-0')).toBe(false)
  })

  test('is refused or broken off where the target cannot have it', async () => {
    await start(100, 'Storage:8', { ide2: 'local:iso/alpine-virt-3.22.iso,media=cdrom' })
    expect((await lab.call('POST', vm(100, '/migrate'), { target: 'pve1', online: 1 })).errors).toEqual({
      target: 'target is local node.',
    })
    expect((await lab.call('POST', vm(100, '/migrate'), { target: 'pve9', online: 1 })).reason).toBe(
      "no such cluster node 'pve9'",
    )
    const disc = await lab.run('POST', vm(100, '/migrate'), { target: 'pve2', online: 1 })
    expect(disc.lines.join('\n')).toContain(
      "can't migrate local disk 'local:iso/alpine-virt-3.22.iso': local cdrom image",
    )
    await lab.call('PUT', vm(100, '/config'), { ide2: 'none,media=cdrom' })
    node('pve1').config.storages.get('Storage')!.nodes = ['pve1', 'pve3']
    const missing = await lab.call('POST', vm(100, '/migrate'), { target: 'pve2', online: 1 })
    expect(missing.reason).toBe("storage 'Storage' is not available on node 'pve2'")
    const { data } = await lab.call('GET', vm(100, '/migrate'))
    expect(data).toMatchObject({
      allowed_nodes: ['pve3'],
      not_allowed_nodes: { pve2: { unavailable_storages: ['Storage'] } },
    })
    cutPower(cluster(), node('pve3'))
    const dead = await lab.run('POST', vm(100, '/migrate'), { target: 'pve3', online: 1 })
    expect(dead.lines.at(-2)).toMatch(/Can't connect to destination address using public key$/)
    expect(ended(dead)).toBe('migration aborted')
  })

  test('ends where it began when the target dies on the way', async () => {
    await start(100, 'Storage:8')
    await cluster().clock.sleep(120)
    freeze()
    const task = await lab.begin('POST', vm(100, '/migrate'), { target: 'pve2', online: 1 })
    await pass(5)
    expect(guest(100).lock).toBe('migrate')
    cutPower(cluster(), node('pve2'))
    await pass(30)
    expect(ended(task)).toBe('migration problems')
    expect([guest(100).node, guest(100).lock, node('pve1').processes.has(100)]).toEqual(['pve1', undefined, true])
  })
})

describe('disks and snapshots', () => {
  test('a disk that is taken off is kept as an unused one until that goes', async () => {
    await create({ vmid: 100, scsi0: 'local-lvm:8' })
    await lab.call('PUT', vm(100, '/config'), { delete: 'scsi0' })
    expect(guest(100).keys).toMatchObject({ unused0: 'local-lvm:vm-100-disk-0' })
    await lab.call('PUT', vm(100, '/config'), { delete: 'unused0' })
    expect(names(thin()).includes('vm-100-disk-0')).toBe(false)
  })

  test('growing works by a step or to a size, never down', async () => {
    await create({ vmid: 100, scsi0: 'Storage:8' })
    const grown = await lab.run('PUT', vm(100, '/resize'), { disk: 'scsi0', size: '+2G' })
    expect(grown.lines.at(-2)).toBe('  Logical volume vg_array/vm-100-disk-0 successfully resized.')
    expect(guest(100).keys.scsi0).toBe('Storage:vm-100-disk-0,size=10G')
    expect(ended(await lab.run('PUT', vm(100, '/resize'), { disk: 'scsi0', size: '9G' }))).toBe(
      'shrinking disks is not supported',
    )
    expect(ended(await lab.run('PUT', vm(100, '/resize'), { disk: 'scsi5', size: '+1G' }))).toBe(
      "disk 'scsi5' does not exist",
    )
  })

  test('moving copies a disk and leaves or frees the old one', async () => {
    await create({ vmid: 100, scsi0: 'local-lvm:8' })
    const kept = await lab.run('POST', vm(100, '/move_disk'), { disk: 'scsi0', storage: 'Storage' })
    expect(ended(kept)).toBe('OK')
    expect(guest(100).keys).toMatchObject({
      scsi0: 'Storage:vm-100-disk-0,size=8G',
      unused0: 'local-lvm:vm-100-disk-0',
    })
    await lab.run('POST', vm(100, '/move_disk'), { disk: 'scsi0', storage: 'local-lvm', delete: 1 })
    expect(names(array())).toEqual([])
    const same = await lab.call('POST', vm(100, '/move_disk'), { disk: 'scsi0', storage: 'local-lvm' })
    expect(same.reason).toBe("you can't move to the same storage with same format")
  })

  test('snapshots form a row that a rollback goes back in', async () => {
    await create({ vmid: 100, scsi0: 'local-lvm:8', name: 'one' })
    await lab.run('POST', vm(100, '/snapshot'), { snapname: 'first' })
    await lab.call('PUT', vm(100, '/config'), { name: 'two' })
    await lab.run('POST', vm(100, '/snapshot'), { snapname: 'second', description: 'second' })
    expect((await lab.call('GET', vm(100, '/snapshot'))).data).toMatchObject([
      { name: 'first', description: '' },
      { name: 'second', parent: 'first', description: 'second' },
      { name: 'current', parent: 'second' },
    ])
    expect(ended(await lab.run('POST', vm(100, '/snapshot'), { snapname: 'second' }))).toBe(
      "snapshot name 'second' already used",
    )
    await lab.run('POST', vm(100, '/snapshot/first/rollback'))
    expect(guest(100)).toMatchObject({ parent: 'first', keys: { name: 'one' } })
    await lab.run('DELETE', vm(100, '/snapshot/first'))
    expect(guest(100).snapshots).toMatchObject([{ name: 'second' }])
    expect(guest(100)).not.toHaveProperty('parent')
  })

  test('a thick volume group cannot take snapshots', async () => {
    await create({ vmid: 100, scsi0: 'Storage:8' })
    expect(ended(await lab.run('POST', vm(100, '/snapshot'), { snapname: 'first' }))).toBe(
      'snapshot feature is not available',
    )
  })

  test('a snapshot of a running guest keeps its memory', async () => {
    await create({ vmid: 100, memory: 1024, scsi0: 'local-lvm:8', start: 1 })
    for (const task of node('pve1').tasks) await lab.end(task)
    const task = await lab.run('POST', vm(100, '/snapshot'), { snapname: 'first', vmstate: 1 })
    expect(task.lines[0]).toBe("saving VM state and RAM using storage 'local-lvm'")
    await lab.run('POST', vm(100, '/status/stop'))
    await lab.run('POST', vm(100, '/snapshot/first/rollback'))
    expect(node('pve1').processes.has(100)).toBe(true)
  })
})

describe('deleting', () => {
  test('frees every volume and forgets the guest everywhere', async () => {
    const { config } = node('pve1')
    config.access.pools.set('web', { poolid: 'web', vmids: new Set(), storages: new Set() })
    await create({ vmid: 100, scsi0: 'Storage:8', pool: 'web' })
    expect([...config.access.pools.get('web')!.vmids]).toEqual([100])
    const task = await lab.run('DELETE', vm(100), { purge: 1 })
    expect(task.lines).toContain('  Logical volume "vm-100-disk-0" successfully removed.')
    expect([names(array()), [...config.access.pools.get('web')!.vmids]]).toEqual([[], []])
  })

  test('is refused for a protected guest', async () => {
    await create({ vmid: 100, protection: 1 })
    expect((await lab.call('DELETE', vm(100))).reason).toBe("can't remove VM 100 - protection mode enabled")
  })
})

describe('backups', () => {
  test('keep a guest that a restore makes anew', async () => {
    await create({ vmid: 100, name: 'web', scsi0: 'Storage:8', net0: 'virtio,bridge=vmbr0' })
    const dump = { vmid: '100', storage: 'NASAccess', compress: 'zstd', 'notes-template': '{{guestname}} of {{node}}' }
    const saved = await lab.run('POST', '/nodes/pve1/vzdump', dump)
    expect(ended(saved)).toBe('OK')
    const { data } = await lab.call('GET', '/nodes/pve1/storage/NASAccess/content', { content: 'backup' })
    const [row] = data as { volid: string }[]
    expect(row).toMatchObject({ vmid: 100, format: 'vma.zst', notes: 'web of pve1' })
    const archive = row?.volid ?? ''
    const taken = await lab.call('POST', '/nodes/pve1/qemu', { vmid: 100, archive })
    expect(taken.reason).toBe("unable to restore VM 100 - VM 100 already exists on node 'pve1'")
    const restored = await lab.run('POST', '/nodes/pve2/qemu', { vmid: 101, archive, storage: 'local-lvm', unique: 1 })
    expect(ended(restored)).toBe('OK')
    expect(guest(101)).toMatchObject({ node: 'pve2', keys: { name: 'web', scsi0: 'local-lvm:vm-101-disk-0,size=8G' } })
    expect(guest(101).keys.net0).not.toBe(guest(100).keys.net0)
    const over = await lab.run('POST', '/nodes/pve1/qemu', { vmid: 100, archive, force: 1 })
    expect(ended(over)).toBe('OK')
    expect(names(array())).toEqual(['vm-100-disk-1'])
  })
})

describe('older releases', () => {
  test.each([
    ['7.2', 'text\n', null],
    ['8.4', 'text\n', 'task'],
    ['9.2', 'text', 'task'],
  ] as const)('%s shows descriptions and grows disks in its own way', async (pve, description, grown) => {
    await lab.close()
    lab = new Caller(await startSim({ pve, port: 0, seed: 11, speed: 400 }))
    await create({ vmid: 100, scsi0: 'Storage:8', description: 'text' })
    expect((await lab.call('GET', vm(100, '/config'))).data).toMatchObject({ description })
    const { data } = await lab.call('PUT', vm(100, '/resize'), { disk: 'scsi0', size: '+1G' })
    expect(data === null ? null : 'task').toBe(grown)
  })
})

describe('storages', () => {
  test('on a NAS and an array are added where those answer', async () => {
    const nas = { type: 'nfs', server: '172.16.1.20', content: 'iso' }
    const wrong = await lab.call('POST', '/storage', { ...nas, storage: 'nas', export: '/nope' })
    expect(wrong.reason).toBe(
      'create storage failed: mount error: mount.nfs: access denied by server while mounting 172.16.1.20:/nope',
    )
    const dark = await lab.call('POST', '/storage', { ...nas, storage: 'nas', server: '172.16.1.99', export: '/x' })
    expect(dark.reason).toBe("create storage failed: storage 'nas' is not online")
    const good = await lab.call('POST', '/storage', { ...nas, storage: 'nas', export: '/volume1/NASAccess' })
    expect(good.data).toEqual({ storage: 'nas', type: 'nfs' })
    const { data } = await lab.call('GET', '/nodes/pve3/storage/nas/content', { content: 'iso' })
    expect(data).toContainEqual(expect.objectContaining({ volid: 'nas:iso/debian-12.iso' }))
  })

  test('take what their type knows and nothing else', async () => {
    const add = (params: Record<string, unknown>) => lab.call('POST', '/storage', { storage: 'extra', ...params })
    expect((await add({ type: 'dir' })).reason).toBe("missing value for required option 'path'")
    expect((await add({ type: 'dir', path: '/x', vgname: 'vg0' })).reason).toBe("unexpected property 'vgname'")
    expect((await add({ type: 'lvm', vgname: 'vg9' })).reason).toBe("create storage failed: no such volume group 'vg9'")
    expect((await add({ type: 'dir', path: '/mnt/extra', content: 'iso,images' })).status).toBe(200)
    const fixed = await lab.call('PUT', '/storage/extra', { content: 'iso', digest: '0'.repeat(40) })
    expect(fixed.reason).toBe(
      'update storage failed: detected modified configuration - file changed by other user? Try again.',
    )
    expect((await lab.call('DELETE', '/storage/extra')).status).toBe(200)
  })

  test('a download tells how far it is, and why it failed', async () => {
    const path = '/nodes/pve1/storage/local/download-url'
    const iso = { content: 'iso', filename: 'x.iso' }
    const task = await lab.run('POST', path, { ...iso, url: 'https://example.com/x.iso' })
    expect(ended(task)).toBe('OK')
    expect(task.lines.some((line) => /^\s*\d+K \.{8} \.{8} \.{8} \.{8} +\d+%/.test(line))).toBe(true)
    expect(names(node('pve1').local.get('local')!)).toContain('iso/x.iso')
    const again = await lab.call('POST', path, { ...iso, url: 'https://example.com/x.iso' })
    expect(again.reason).toBe("refusing to override existing file '/var/lib/vz/template/iso/x.iso'")
    const lost = await lab.run('POST', path, { ...iso, filename: 'y.iso', url: 'https://nowhere.invalid/y.iso' })
    expect(lost.lines.at(-2)).toBe("wget: unable to resolve host address 'nowhere.invalid'")
    const text = await lab.call('POST', path, { ...iso, filename: 'y.txt', url: 'https://example.com/y.txt' })
    expect(text.errors).toEqual({ filename: 'wrong file extension' })
  })
})

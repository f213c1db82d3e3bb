/**
 * `vzdump`: one task for all guests of a call; one that fails does not hold up the others, but the task ends with
 * `job errors` (recorded as vzdump.errors). The archive keeps the guest's config, which a restore reads.
 */
import { fail } from '../fault.ts'
import type { GuestConfig, Volume } from '../model.ts'
import { viewOf } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { compact, flag, optStr, splitList } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { logTime } from './log-time.ts'
import { disksOf, renderBytes } from './qemu-drives.ts'
import { checkLock, editGuest, findGuest, unlock } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { kill, launch } from './qemu-process.ts'
import { activate, type FoundVolume, findStorage, requireVolume, storageOn } from './storage-access.ts'
import { copySeconds } from './storage-copy.ts'
import { volumePath } from './storage-types.ts'
import { freeOn } from './storage-volumes.ts'

const GIB = 1024 ** 3

function backup(ctx: Context): Json {
  const vmids = chosen(ctx)
  const storage = optStr(ctx, 'storage') ?? 'local'
  if (optStr(ctx, 'storage') !== undefined) ctx.check(`/storage/${storage}`, ['Datastore.AllocateSpace'])
  for (const vmid of vmids) ctx.check(`/vms/${vmid}`, ['VM.Backup'])
  findStorage(ctx.config, storage)
  const id = vmids.length === 1 ? String(vmids[0]) : ''
  return ctx.task({ type: 'vzdump', id }, (task) => run(ctx, task, vmids, storage))
}

function chosen(ctx: Context): number[] {
  const named = optStr(ctx, 'vmid')
  const pool = optStr(ctx, 'pool')
  const here = [...ctx.config.guests.values()].filter((guest) => guest.node === ctx.node.name).map(({ vmid }) => vmid)
  const excluded = splitList(optStr(ctx, 'exclude') ?? '').map(Number)
  if (named !== undefined) return splitList(named).map(Number)
  if (pool !== undefined) return here.filter((vmid) => ctx.config.access.pools.get(pool)?.vmids.has(vmid))
  if (flag(ctx, 'all')) return here.filter((vmid) => !excluded.includes(vmid))
  throw fail('you need to specify a VM ID')
}

async function run(ctx: Context, task: TaskHandle, vmids: number[], storage: string) {
  const entry = storageOn(viewOf(task.node), storage, task.node.name)
  if (!entry.content.includes('backup')) {
    throw fail(
      `could not get storage information for '${storage}': can't use storage '${storage}' for backups - wrong content type`,
    )
  }
  activate(ctx, entry)
  task.log(`INFO: starting new backup job: vzdump ${vmids.join(' ')} ${spelledOut(ctx)}`)
  let failures = 0
  for (const vmid of vmids) failures += (await dumped(ctx, task, vmid, storage)) ? 0 : 1
  task.log(failures > 0 ? 'INFO: Backup job finished with errors' : 'INFO: Backup job finished successfully')
  if (failures > 0) throw fail('job errors')
}

const spelledOut = (ctx: Context) =>
  ['node', 'storage', 'mode', 'compress', 'notes-template']
    .flatMap((name) => (ctx.params[name] === undefined ? [] : [`--${name} ${ctx.params[name]}`]))
    .join(' ')

async function dumped(ctx: Context, task: TaskHandle, vmid: number, storage: string): Promise<boolean> {
  const now = () => ctx.sim.clock.now()
  const since = now()
  try {
    const guest = ctx.config.guests.get(vmid)
    if (guest?.node !== ctx.node.name) throw fail(`unable to find VM '${vmid}'`)
    task.log(`INFO: Starting Backup of VM ${vmid} (${guest.type})`)
    task.log(`INFO: Backup started at ${logTime(ctx.node, since)}`)
    await withGuestLock(ctx, vmid, task, () => dump(ctx, task, vmid, storage))
    const lasted = new Date(Math.round(now() - since) * 1000).toISOString().slice(11, 19)
    task.log(`INFO: Finished Backup of VM ${vmid} (${lasted})`)
    task.log(`INFO: Backup finished at ${logTime(ctx.node, now())}`)
    return true
  } catch (error) {
    if (task.signal.aborted) throw error
    task.log(`ERROR: Backup of VM ${vmid} failed - ${(error as Error).message}`)
    task.log(`INFO: Failed at ${logTime(ctx.node, now())}`)
    return false
  }
}

async function dump(ctx: Context, task: TaskHandle, vmid: number, storage: string) {
  const guest = findGuest(ctx, vmid)
  checkLock(guest)
  const mode = optStr(ctx, 'mode') ?? 'snapshot'
  const running = ctx.node.processes.has(vmid)
  task.log(`INFO: status = ${running ? 'running' : 'stopped'}`)
  if (guest.keys.name !== undefined) task.log(`INFO: VM Name: ${guest.keys.name}`)
  const disks = disksOf(guest.keys).map(({ key, drive }) => ({ key, found: requireVolume(ctx, drive.file) }))
  for (const { key, found } of disks) {
    task.log(
      `INFO: include disk '${key}' '${found.volid}' ${renderBytes(found.volume.size, 0).replace(/ (.)iB/, '$1')}`,
    )
  }
  task.log(`INFO: backup mode: ${running ? mode : 'stop'}`)
  task.log('INFO: ionice priority: 7')
  editGuest(ctx, vmid, (edited) => {
    edited.lock = 'backup'
  })
  try {
    if (running && mode === 'stop') await stopFirst(ctx, task, vmid)
    await write(
      ctx,
      task,
      guest,
      storage,
      disks.map(({ found }) => found),
    )
  } finally {
    unlock(ctx, vmid)
  }
}

/** Mode `stop`: the guest goes down, and runs again while its disks are read. */
async function stopFirst(ctx: Context, task: TaskHandle, vmid: number) {
  task.log('INFO: stopping virtual guest')
  await task.sleep(5)
  kill(ctx, vmid)
  launch(ctx, findGuest(ctx, vmid))
  task.log('INFO: resume VM')
}

async function write(ctx: Context, task: TaskHandle, guest: GuestConfig, storage: string, disks: FoundVolume[]) {
  const entry = storageOn(ctx.config, storage, ctx.node.name)
  const backing = activate(ctx, entry)
  const total = disks.reduce((sum, { volume }) => sum + volume.size, 0)
  const written = disks.reduce((sum, { volume }) => sum + (volume.used ?? volume.size), 0)
  const suffix = optStr(ctx, 'compress') === 'zstd' ? '.zst' : optStr(ctx, 'compress') === 'gzip' ? '.gz' : ''
  const stamp = logTime(ctx.node, ctx.sim.clock.now()).replace(/-/g, '_').replace(' ', '-').replace(/:/g, '_')
  const name = `backup/vzdump-${guest.type}-${guest.vmid}-${stamp}.vma${suffix}`
  const size = Math.max(64 * 1024, Math.round(written * (suffix === '' ? 1 : 0.45)))
  task.log(`INFO: creating vzdump archive '${volumePath(entry, name)}'`)
  if (size > freeOn(backing)) throw fail('vma_queue_write: write error - Broken pipe')
  task.log(`INFO: started backup task '${ctx.sim.random.uuid()}'`)
  await read(task, total)
  if (total > written) {
    const zero = total - written
    task.log(`INFO: backup is sparse: ${renderBytes(zero, 2)} (${Math.round((zero / total) * 100)}%) total zero data`)
  }
  task.log(`INFO: archive file size: ${renderBytes(size, 2).replace(/ (.)iB/, '$1B')}`)
  backing.volumes.push(archive(ctx, guest, name, size, `vma${suffix}`))
}

function archive(ctx: Context, guest: GuestConfig, name: string, size: number, format: string): Volume {
  const notes = optStr(ctx, 'notes-template')
    ?.replaceAll('{{guestname}}', String(guest.keys.name ?? ''))
    .replaceAll('{{vmid}}', String(guest.vmid))
    .replaceAll('{{node}}', ctx.node.name)
    .replaceAll('{{cluster}}', ctx.config.corosync?.name ?? 'standalone node')
  return {
    ...{ name, content: 'backup', format, size, vmid: guest.vmid, ctime: Math.floor(ctx.sim.clock.now()) },
    archived: { ...guest.keys },
    ...(notes === undefined ? {} : { notes }),
    ...(flag(ctx, 'protected') ? { protected: true } : {}),
  }
}

async function read(task: TaskHandle, total: number) {
  const seconds = Math.max(1, copySeconds(total))
  const steps = Math.max(1, Math.min(100, Math.floor(seconds / 3)))
  for (let step = 1; step <= steps; step++) {
    await task.sleep(seconds / steps)
    const done = (total * step) / steps
    const percent = String(Math.floor((100 * step) / steps)).padStart(3)
    const at = Math.round((seconds * step) / steps)
    const speed = `${renderBytes(total / seconds)}/s`
    task.log(
      `INFO: ${percent}% (${renderBytes(done)} of ${renderBytes(total)}) in ${at}s, read: ${speed}, write: ${speed}`,
    )
    task.progress(Math.floor((100 * step) / steps))
  }
  task.log(`INFO: transferred ${(total / GIB).toFixed(2)} GiB in ${Math.round(seconds)} seconds`)
}

const defaults = (): Json => compact({ mode: 'snapshot', compress: '0', 'prune-backups': { 'keep-all': '1' } })

export const routes: Route[] = [
  { method: 'POST', path: '/nodes/{node}/vzdump', handler: backup },
  { method: 'GET', path: '/nodes/{node}/vzdump/defaults', handler: defaults },
]

/**
 * POST `/nodes/{node}/qemu`. The config file is there from the first moment, with lock `create` and the description;
 * disks are made inside the task. Recorded in test/recordings/qemu.jsonl.gz and race.jsonl.gz.
 */
import { fail, forbidden } from '../fault.ts'
import type { ConfigKeys } from '../model.ts'
import type { Context, Json, Route } from '../router.ts'
import { checkQuorum, flag, optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { claimId } from './qemu-claim.ts'
import { defaultBoot } from './qemu-drives.ts'
import { editGuest, forgetGuest } from './qemu-guests.ts'
import { withGuestLock } from './qemu-locks.ts'
import { startInTask } from './qemu-power.ts'
import { restore } from './qemu-restore.ts'
import { checkBridges, checkDrives, checkKeys, checkPool } from './qemu-rights.ts'
import { birthKeys, configKeysIn } from './qemu-values.ts'
import { type MadeDrives, makeDrives, takeBack } from './qemu-volumes.ts'
import { mayCleanUp } from './task-end.ts'

function create(ctx: Context): Json {
  const vmid = Number(ctx.params.vmid)
  const pool = optStr(ctx, 'pool')
  checkPool(ctx, pool)
  checkAllocate(ctx, vmid, pool)
  if (ctx.params.archive !== undefined) return restore(ctx, vmid)
  const keys = configKeysIn(ctx)
  checkKeys(ctx, vmid, keys, pool)
  checkDrives(ctx, vmid, keys)
  checkBridges(ctx, keys)
  checkQuorum(ctx)
  claimId(ctx, vmid, keys, 'create')
  const start = flag(ctx, 'start')
  return ctx.task({ type: 'qmcreate', id: str(ctx, 'vmid') }, async (task) => {
    await fill(ctx, task, vmid, keys)
    if (pool !== undefined) ctx.config.access.pools.get(pool)?.vmids.add(vmid)
    if (flag(ctx, 'ha-managed')) addToHa(ctx, vmid, start)
    if (!start) return
    task.log('Execute autostart')
    startInTask(ctx, task, vmid)
  })
}

/** `ha-managed`, since 9.1. */
function addToHa(ctx: Context, vmid: number, started: boolean) {
  const sid = `vm:${vmid}`
  ctx.config.ha.resources.set(sid, { sid, type: 'vm', keys: { state: started ? 'started' : 'stopped' } })
}

/** Rights on the VMID itself or on the pool that the guest goes to. */
function checkAllocate(ctx: Context, vmid: number, pool: string | undefined) {
  if (ctx.isRoot || ctx.can(`/vms/${vmid}`, 'VM.Allocate')) return
  if (pool !== undefined && ctx.can(`/pool/${pool}`, 'VM.Allocate')) return
  const restores = ctx.params.archive !== undefined && flag(ctx, 'force')
  if (restores && ctx.can(`/vms/${vmid}`, 'VM.Backup')) return
  throw forbidden('')
}

/** Everything that the task does to an empty, locked config; on failure nothing of it is left. */
async function fill(ctx: Context, task: TaskHandle, vmid: number, keys: ConfigKeys) {
  const made: MadeDrives = { keys: {}, volids: [] }
  try {
    await withGuestLock(ctx, vmid, task, async () => {
      await task.sleep(0.4)
      await makeDrives(ctx, vmid, keys, task, made)
      await task.sleep(0.4)
      editGuest(ctx, vmid, (guest) => {
        const { template, ...rest } = keys
        guest.keys = complete(ctx, { ...rest, ...made.keys })
        guest.template = template === 1
        delete guest.lock
      })
    })
  } catch (error) {
    if (mayCleanUp(task)) {
      takeBack(ctx, made.volids, task.log)
      forgetGuest(ctx, vmid)
    }
    throw fail(`unable to create VM ${vmid} - ${(error as Error).message}`)
  }
}

/** What Proxmox adds: identity, where to boot from. */
function complete(ctx: Context, given: ConfigKeys): ConfigKeys {
  const keys = { ...birthKeys(ctx.sim), ...given }
  if (keys.vmgenid === '0') delete keys.vmgenid
  return keys.boot === undefined ? { ...keys, boot: defaultBoot(keys) } : keys
}

export const routes: Route[] = [{ method: 'POST', path: '/nodes/{node}/qemu', handler: create }]

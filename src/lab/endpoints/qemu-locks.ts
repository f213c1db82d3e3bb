/**
 * The file lock `/var/lock/qemu-server/lock-VMID.conf` of a node: one worker at a time works on a guest; clones share
 * it among themselves. Seen in test/recordings/race.jsonl.gz.
 */
import { fail } from '../fault.ts'
import type { SimNode } from '../model.ts'
import type { Place, Worker } from './storage-access.ts'

const WAIT_SECONDS = 10
const POLL_SECONDS = 0.25

/** Waits up to ten seconds, with two lines in the log when it must wait at all. */
export async function withGuestLock<T>(
  { node }: Pick<Place, 'node'>,
  vmid: number,
  worker: Worker,
  run: () => Promise<T> | T,
  o: { shared?: boolean; waitSeconds?: number } = {},
): Promise<T> {
  const release = await acquire(node, vmid, worker, o.shared ?? false, o.waitSeconds ?? WAIT_SECONDS)
  try {
    return await run()
  } finally {
    release()
  }
}

async function acquire(node: SimNode, vmid: number, worker: Worker, shared: boolean, waitSeconds: number) {
  const free = () => tryLock(node, vmid, shared)
  const first = free()
  if (first) return first
  worker.log('trying to acquire lock...')
  for (let waited = 0; waited < waitSeconds; waited += POLL_SECONDS) {
    await worker.sleep(POLL_SECONDS)
    const release = free()
    if (!release) continue
    worker.log(' OK')
    return release
  }
  throw fail(`can't lock file '/var/lock/qemu-server/lock-${vmid}.conf' - got timeout`)
}

/** Undefined when somebody else holds it. Released locks of a host that lost its power do no harm: releasing is idle. */
function tryLock(node: SimNode, vmid: number, shared: boolean): (() => void) | undefined {
  node.guestLocks ??= new Map()
  const locks = node.guestLocks
  const held = locks.get(vmid)
  if (held && !(shared && held.shared)) return undefined
  const lock = held ?? { shared, holders: 0 }
  lock.holders += 1
  locks.set(vmid, lock)
  return () => {
    lock.holders -= 1
    if (lock.holders === 0 && locks.get(vmid) === lock) locks.delete(vmid)
  }
}

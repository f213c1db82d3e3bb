/**
 * Guests whose disks their node has lost. QEMU goes on, so every call says `running` and HA sees nothing; what runs inside
 * waits for its disk, and goes on where it was once the disk is back.
 */
import { drivesOf, isCdrom, parseDrive } from './endpoints/qemu-drives.ts'
import { backingOf, type ConfigKeys, type GuestProcess, type SimCluster, type SimNode, viewOf } from './model.ts'

interface Place {
  sim: SimCluster
  node: SimNode
}

/** An image in a drive is not waited for. */
export function standsStill({ sim, node }: Place, { keys }: Pick<GuestProcess, 'keys'>): boolean {
  const { storages } = viewOf(node)
  return storagesOf(keys).some((storage) => {
    const entry = storages.get(storage)
    return entry !== undefined && backingOf(sim, node, entry) === undefined
  })
}

const MOUNT = /^(?:rootfs|mp\d+)$/

/** The storages that hold a guest's disks: a machine's drives, a container's volumes. */
export function storagesOf(keys: ConfigKeys): string[] {
  const disks = drivesOf(keys).filter(({ drive }) => !isCdrom(drive))
  const volumes = Object.keys(keys).filter((key) => MOUNT.test(key))
  const files = [...disks.map(({ drive }) => drive.file), ...volumes.map((key) => parseDrive(String(keys[key])).file)]
  return files.flatMap((file) => (/^[^/:]+:/.test(file) ? [file.slice(0, file.indexOf(':'))] : []))
}

/** Finding storages and volumes, with the refusals that Proxmox gives on the way. */
import { fail } from '../fault.ts'
import type { Backing, ClusterConfig, SimCluster, SimNode, StorageEntry, Volume } from '../model.ts'
import { backingOf, isQuorate, viewOf } from '../model.ts'
import { isShared, layoutOf, mountPoint } from './storage-types.ts'

/** Where something is carried out. */
export interface Place {
  sim: SimCluster
  node: SimNode
}

/** Throws `storage 'x' does not exist`. */
export function findStorage(config: ClusterConfig, storage: string): StorageEntry {
  const entry = config.storages.get(storage)
  if (!entry) throw fail(`storage '${storage}' does not exist`)
  return entry
}

/** As `findStorage`; throws as well where storage.cfg does not offer it on that node. */
export function storageOn(config: ClusterConfig, storage: string, node: string): StorageEntry {
  const entry = findStorage(config, storage)
  if (entry.disable) throw fail(`storage '${storage}' is disabled`)
  if (entry.nodes && !entry.nodes.includes(node)) throw fail(`storage '${storage}' is not available on node '${node}'`)
  return entry
}

/** The disk behind a storage; throws what activating it says when it is not there. */
export function activate({ sim, node }: Place, entry: StorageEntry): Backing {
  const backing = backingOf(sim, node, entry) ?? newFolder(node, entry)
  if (backing) return backing
  const { server } = entry.options
  if (
    entry.type === 'nfs' &&
    [...sim.shared].some(([key, nas]) => key.startsWith(`nfs:${server}:`) && !nas.unreachable)
  ) {
    const export_ = `${server}:${entry.options.export}`
    throw fail(`mount error: mount.nfs: access denied by server while mounting ${export_}`)
  }
  if (entry.type === 'pbs') {
    const others = [...sim.shared].some(([key, box]) => key.startsWith(`pbs:${server}:`) && !box.unreachable)
    if (others) {
      throw fail(
        `${entry.storage}: Cannot find datastore '${entry.options.datastore}', check permissions and existence!`,
      )
    }
    throw fail(`${entry.storage}: error fetching datastores - 500 Can't connect to ${server}:8007 (No route to host)`)
  }
  if (['nfs', 'cifs', 'iscsi', 'iscsidirect'].includes(entry.type)) {
    throw fail(`storage '${entry.storage}' is not online`)
  }
  if (layoutOf(entry) === 'file') {
    throw fail(
      `unable to activate storage '${entry.storage}' - ` +
        `directory '${mountPoint(entry)}' does not exist or is unreachable`,
    )
  }
  if (entry.type === 'zfspool') {
    throw fail(
      `could not activate storage '${entry.storage}', zfs error: cannot import '${entry.options.pool}': no such pool available`,
    )
  }
  if (entry.type === 'rbd') throw fail(`rbd error: rbd: couldn't connect to the cluster!`)
  throw fail(`no such volume group '${entry.options.vgname}'`)
}

/** Throws what a server says to a wrong user or password. */
export function logIn({ storage, type, options }: StorageEntry, { login }: Backing, password: string | undefined) {
  if (!login || (login.username === options.username && login.password === password)) return
  if (type === 'pbs') throw fail(`${storage}: error fetching datastores - 401 Unauthorized`)
  throw fail('session setup failed: NT_STATUS_LOGON_FAILURE')
}

/** A directory that storage.cfg names is made on the first use. */
function newFolder(node: SimNode, entry: StorageEntry): Backing | undefined {
  if (!['dir', 'btrfs'].includes(entry.type) || entry.shared || node.local.has(entry.storage)) return undefined
  const folder = { total: node.hardware.rootTotal, baseUsed: node.hardware.rootUsed, volumes: [] }
  node.local.set(entry.storage, folder)
  return folder
}

/** `[storage, name]`; throws `unable to parse volume ID 'x'`. */
export function splitVolid(volid: string): [storage: string, name: string] {
  const [, storage, name] = /^([a-z][a-z0-9\-_.]*[a-z0-9]):(.+)$/i.exec(volid) ?? []
  if (storage === undefined || name === undefined) throw fail(`unable to parse volume ID '${volid}'`)
  return [storage, name]
}

export interface FoundVolume {
  entry: StorageEntry
  backing: Backing
  volume: Volume
  volid: string
}

/** A volume that is there, on a storage that this node reaches; undefined where the volume alone is missing. */
export function findVolume(place: Place, volid: string): FoundVolume | undefined {
  const [storage, name] = splitVolid(volid)
  const entry = storageOn(viewOf(place.node), storage, place.node.name)
  const backing = activate(place, entry)
  const volume = backing.volumes.find((candidate) => candidate.name === name)
  return volume && { entry, backing, volume, volid }
}

/** Throws `volume 'x' does not exist`. */
export function requireVolume(place: Place, volid: string): FoundVolume {
  const found = findVolume(place, volid)
  if (!found) throw fail(`volume '${volid}' does not exist`)
  return found
}

/** What a task may do while it waits: log and let simulated time pass. */
export interface Worker {
  log(line: string): void
  sleep(seconds: number): Promise<void>
}

/**
 * Runs a change of a shared storage under pmxcfs's lock. Without quorum: a line a second, and after ten the error.
 */
export async function withStorageLock<T>(
  place: Place,
  entry: StorageEntry,
  worker: Worker,
  change: () => T,
): Promise<T> {
  if (!isShared(entry) || isQuorate(place.sim, place.node)) return change()
  for (let tries = 0; tries < 10; tries++) {
    worker.log(`trying to acquire cfs lock 'storage-${entry.storage}' ...`)
    await worker.sleep(1)
    if (isQuorate(place.sim, place.node)) return change()
  }
  throw fail(`cfs-lock 'storage-${entry.storage}' error: no quorum!`)
}

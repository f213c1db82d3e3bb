/**
 * A guest's QEMU process: what must be there for it to start, and how it goes away.
 *
 * Inside each guest a system is imagined that obeys ACPI within 5 to 15 seconds, always the same for the same VMID.
 * The tag `no-acpi` (or `acpi: 0`) makes one that answers nothing, as a guest without a system does.
 */
import { fail } from '../fault.ts'
import type { ConfigKeys, GuestConfig } from '../model.ts'
import { takePid, viewOf } from '../model.ts'
import { standsStill } from '../standstill.ts'
import { coresOf, memoryOf } from '../stats.ts'
import { drivesOf, parseNet } from './qemu-drives.ts'
import { hasTag } from './qemu-guests.ts'
import { applyPending } from './qemu-pending.ts'
import type { Place, Worker } from './storage-access.ts'
import { activate, requireVolume, splitVolid, storageOn } from './storage-access.ts'

/** Undefined: nobody inside answers. */
function shutdownSeconds(vmid: number, keys: ConfigKeys): number | undefined {
  if (Number(keys.acpi ?? 1) === 0 || hasTag(keys, 'no-acpi')) return undefined
  return 5 + ((vmid * 7) % 11)
}

/** Puts the process there; what waited in the config counts from now on. */
export function launch(place: Place, guest: GuestConfig, o: { startedAt?: number; paused?: boolean } = {}) {
  const { sim, node } = place
  applyPending(place, guest)
  const seconds = shutdownSeconds(guest.vmid, guest.keys)
  node.processes.set(guest.vmid, {
    vmid: guest.vmid,
    type: guest.type,
    pid: takePid(node),
    startedAt: o.startedAt ?? sim.clock.now(),
    qmpstatus: o.paused ? 'paused' : 'running',
    keys: { ...guest.keys },
    ...(seconds === undefined ? {} : { shutdownSeconds: seconds }),
  })
}

export const kill = ({ node }: Pick<Place, 'node'>, vmid: number) => void node.processes.delete(vmid)

/** Everything that QEMU would trip over, in the order in which Proxmox meets it. Warnings go to `warn`. */
export function checkStartable(place: Place, guest: GuestConfig, worker: Worker & { warn(text: string): void }) {
  const { keys } = guest
  const { hardware } = place.node
  if (coresOf(keys) > hardware.cpus) throw fail(`MAX ${hardware.cpus} vcpus allowed per VM on this node`)
  checkDisks(place, keys)
  const efi = keys.bios === 'ovmf'
  if (efi && keys.efidisk0 === undefined) worker.warn('no efidisk configured! Using temporary efivars disk.')
  const physical = drivesOf(keys).find(({ drive }) => drive.file === 'cdrom')
  if (physical) {
    worker.warn('no physical CD-ROM available, ignoring')
    exit(
      worker,
      `-blockdev {"driver":"host_cdrom","filename":"","node-name":"drive-${physical.key}"}: The 'host_cdrom' block driver requires a file name`,
    )
  }
  if (memoryOf(keys) > hardware.memory) exit(worker, `cannot set up guest memory 'pc.ram': Cannot allocate memory`)
  checkNets(place, guest, worker)
}

function checkDisks(place: Place, keys: ConfigKeys) {
  for (const { drive } of drivesOf(keys)) {
    if (!drive.file.includes(':') || drive.file.startsWith('/')) continue
    const [storage] = splitVolid(drive.file)
    activate(place, storageOn(viewOf(place.node), storage, place.node.name))
    requireVolume(place, drive.file)
  }
}

function checkNets(place: Place, guest: GuestConfig, worker: Worker) {
  const bridges = place.node.interfaces.map(({ iface }) => iface)
  for (const [key, value] of Object.entries(guest.keys)) {
    if (!/^net\d+$/.test(key)) continue
    const bridge = parseNet(String(value)).options.bridge
    if (bridge === undefined || bridges.includes(bridge)) continue
    worker.log(`bridge '${bridge}' does not exist`)
    exit(
      worker,
      `-netdev type=tap,id=${key},ifname=tap${guest.vmid}i${key.slice(3)},script=/usr/libexec/qemu-server/pve-bridge: ` +
        'network script /usr/libexec/qemu-server/pve-bridge failed with status 512',
    )
  }
}

function exit(worker: Worker, complaint: string): never {
  worker.log(`kvm: ${complaint}`)
  throw fail('start failed: QEMU exited with code 1')
}

/**
 * Waits until the guest's system has gone down, or throws `VM quit/powerdown failed - got timeout`. Ends early when
 * somebody else ended it.
 */
export async function powerDown(place: Place, vmid: number, worker: Worker, timeoutSeconds: number) {
  const process = place.node.processes.get(vmid)
  if (!process) return
  const hears = process.qmpstatus === 'running' && !standsStill(place, process)
  const needed = hears ? process.shutdownSeconds : undefined
  const until = place.sim.clock.now() + Math.min(needed ?? timeoutSeconds, timeoutSeconds)
  while (place.sim.clock.now() < until && place.node.processes.get(vmid) === process) {
    await worker.sleep(Math.min(1, until - place.sim.clock.now()))
  }
  if (place.node.processes.get(vmid) !== process) return
  if (needed === undefined || needed > timeoutSeconds) throw fail('VM quit/powerdown failed - got timeout')
  kill(place, vmid)
}

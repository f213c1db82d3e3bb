/**
 * How far a task is, from what it writes into its log. The lines are those of qemu-server, pve-storage, pve-container
 * and vzdump (7.2 to 9.2); a task with several disks or guests begins again at 0 with each.
 */

const SPEAKS_OF_PERCENT: ReadonlySet<string> = new Set([
  'download',
  'imgcopy',
  'imgdel',
  'move_volume',
  'qmclone',
  'qmcreate',
  'qmdestroy',
  'qmigrate',
  'qmmove',
  'qmrestore',
  'vzclone',
  'vzcreate',
  'vzdestroy',
  'vzdump',
  'vzmigrate',
  'vzrestore',
])

const NUMBER = '(\\d+(?:\\.\\d+)?)'

const PERCENT_LINES: readonly RegExp[] = [
  // Copying a disk; `drive-scsi0: ` in front while the guest runs: transferred 1.2 GiB of 32.0 GiB (3.75%) in 5s
  new RegExp(`\\btransferred \\S+ \\S+ of \\S+ \\S+ \\(${NUMBER}%\\)`),
  // The same before 6.4: drive-scsi0: transferred: 123 bytes remaining: 456 bytes total: 579 bytes progression: 21.24 %
  new RegExp(`\\btransferred: .* progression: ${NUMBER} %`),
  // vzdump of a machine: INFO:  12% (3.8 GiB of 32.0 GiB) in 12s, read: …
  new RegExp(`^INFO: +${NUMBER}% \\(`),
  // Restoring: progress 12% (read 4123456 bytes, duration 3 sec)
  new RegExp(`^progress ${NUMBER}%`),
  // Ceph: Removing image: 12% complete...
  new RegExp(`: ${NUMBER}% complete\\b`),
  // wget --progress=dot:giga: ` 32768K ........ ........ ........ ........  3%  112M 9s`
  new RegExp(`^ *\\d+K [ .,]+ ${NUMBER}%`),
]

/** Memory of a running guest: migration active, transferred 1.2 GiB of 4.0 GiB VM-state, 112.0 MiB/s */
const MEMORY_LINE = /\bmigration active, transferred (\S+) (\S+) of (\S+) (\S+) VM-state/

/** 0 to 100 by the newest line that says so; undefined if none does, or tasks of this type never do. */
export function percentOf(type: string, lines: readonly string[]): number | undefined {
  if (!SPEAKS_OF_PERCENT.has(type)) return undefined
  for (const line of lines.toReversed()) {
    const percent = percentIn(line)
    if (percent !== undefined) return percent
  }
  return undefined
}

function percentIn(line: string): number | undefined {
  for (const shape of PERCENT_LINES) {
    const found = shape.exec(line)?.[1]
    if (found !== undefined) return atMost100(Number(found))
  }
  const [, done, doneUnit, total, totalUnit] = MEMORY_LINE.exec(line) ?? []
  if (total === undefined) return undefined
  // Pages that change meanwhile are sent again, so more than all may be transferred.
  return atMost100((100 * bytes(done, doneUnit)) / bytes(total, totalUnit))
}

const UNITS: readonly string[] = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

function bytes(amount: string | undefined, unit: string | undefined): number {
  return Number(amount) * 1024 ** UNITS.indexOf(unit ?? '')
}

function atMost100(percent: number): number | undefined {
  return Number.isFinite(percent) ? Math.min(100, percent) : undefined
}

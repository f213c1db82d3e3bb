/** What Proxmox's line most likely means, by the name that the words have for it; the first that fits. */
const causes: readonly [cause: string, line: RegExp][] = [
  [
    'storage-missing',
    /storage '[^']*' (does not exist|is not available|is disabled)|no such storage|storage .* is not online/i,
  ],
  ['no-quorum', /no quorum|not ready - no quorum/i],
  [
    'disk-missing',
    /volume '[^']*' does not exist|no such (logical )?volume|can't open .*(iso|raw|qcow2)|unable to (parse|find) volume/i,
  ],
  ['local-disk', /can't migrate (local|vm which uses local)|local (disk|cdrom)|storage .* is not available on node/i],
  ['locked', /(VM|CT) is locked|can't lock file/i],
  ['no-space', /no space left|not enough (free )?space|out of space|insufficient free space/i],
  ['no-memory', /cannot allocate memory|not enough memory|out of memory/i],
  ['bridge-missing', /bridge '?[^' ]*'? does not exist|no physical interface/i],
  ['device-missing', /no such (pci|usb) device|pci device .* (not found|already in use)|cannot prepare pci/i],
  ['kvm-missing', /kvm virtualisation configured, but not available|no kvm/i],
  ['node-unreachable', /no route to host|connection (timed out|refused)|can't connect|ssh .*failed/i],
  ['timed-out', /got timeout|timed? ?out|timeout/i],
  ['stopped', /received interrupt|interrupted by signal|unexpected status/i],
]

export const causeOf = (line: string): string | undefined => causes.find(([, pattern]) => pattern.test(line))?.[0]

/** The names that a guest's config knows; indexed ones by their pattern. */
const PLAIN = new Set([
  ...['acpi', 'affinity', 'agent', 'allow-ksm', 'amd-sev', 'arch', 'args', 'audio0', 'autostart', 'balloon', 'bios'],
  ...['boot', 'bootdisk', 'cdrom', 'cicustom', 'cipassword', 'citype', 'ciupgrade', 'ciuser', 'cores', 'cpu'],
  ...['cpulimit', 'cpuunits', 'description', 'efidisk0', 'freeze', 'hookscript', 'hotplug', 'hugepages'],
  ...['intel-tdx', 'ivshmem', 'keephugepages', 'keyboard', 'kvm', 'localtime', 'lock', 'machine', 'memory', 'meta'],
  ...['migrate_downtime', 'migrate_speed', 'name', 'nameserver', 'numa', 'onboot', 'ostype', 'protection', 'reboot'],
  ...['rng0', 'running-nets-host-mtu', 'runningcpu', 'runningmachine', 'scsihw', 'searchdomain', 'shares', 'smbios1'],
  ...['smp', 'sockets', 'spice_enhancements', 'sshkeys', 'startdate', 'startup', 'tablet', 'tags', 'tdf', 'template'],
  ...['tpmstate0', 'vcpus', 'vga', 'vmgenid', 'vmstate', 'vmstatestorage', 'watchdog'],
])

const INDEXED =
  /^(ide[0-3]|sata[0-5]|scsi([12]?\d|30)|virtio(\d|1[0-5])|unused\d+|net\d+|ipconfig\d+|serial[0-3]|parallel[0-2]|usb\d+|hostpci\d+|numa\d+|virtiofs\d)$/

export const isKnownKey = (key: string) => PLAIN.has(key) || INDEXED.test(key)

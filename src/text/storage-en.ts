/** Why a storage is refused, said alike before the order and by the job. */
/** What is said of storages in several places. */
export const storageEn = {
  active: 'active',
  room: 'active, {free} of {total} free',
  inactive: 'NOT active: {line}',
  unsaid: 'Proxmox gives no reason',
  offline: 'offline: not known',
  warns: '{node} does not reach {storage}: {line}. A machine whose disk or ISO lies there cannot start on {node}.',
  full: '{storage} is full: {free} of {total} are free on {node}. Nothing more goes onto it until something is deleted: storage contents {storage}',
  allReach: 'every node reaches it',
  someReach: '{count} of {all} nodes reach it',
  risks: {
    local:
      '{storage} is not shared: each node has its own. If {homes} fails, high availability cannot start {guests} on another node, since the disk stays behind.',
    limited:
      '{storage} is not there on {nodes}, where high availability may start {guests}: it would fail there. See: ha rules',
    unreached:
      '{storage} is not reached now from {nodes}, where high availability may start {guests}: it would fail there.',
    single:
      'The ZFS pool {pool} on {node} has one disk. That is not redundant: if it dies, everything on {storage} there is lost.',
    striped:
      'The ZFS pool {pool} on {node} is striped over {count} disks (as RAID 0). That is not redundant: if one of them dies, everything on {storage} there is lost.',
    degraded:
      'The ZFS pool {pool} on {node} is {state}: a disk is missing or faulty. Look: zpool status {pool}   # on {node}',
    spanned:
      'The volume group {vg} on {node} lies on {count} disks one after the other. That is not redundant unless each of them is a RAID: if one dies, {storage} there is lost. Look: pvs -S vg_name={vg}',
    unlooked: 'Whether the disks below {storage} survive the loss of one could not be read on {nodes}.',
  },
}

export const storageErrorsEn = {
  'no-such-base': {
    says: '{base} is no LUN: there is no iSCSI storage called "{array}".',
    hint: 'storage add {array} type:iscsi portal:ADDRESS target:IQN',
  },
  'no-such-lun': { says: '{array} has no LUN {base}. It has: {luns}.', hint: 'storage contents {array}' },
  'lun-not-proved': {
    says: 'Nothing proves that the LUN {base} ({size}) is empty or ours. Proxmox would clear its first sector without looking, so it was not touched.',
    hint: '{line} wipe:true   # only if nobody keeps anything there; another person must approve',
  },
  'lun-in-use': { says: 'The LUN {base} is the base of storage {storage} already.', hint: 'storage list' },
  'vg-elsewhere': {
    says: 'There is a volume group {vg} already, and nothing proves that it lies on {base} ({size}). Proxmox would clear the first sector of that LUN and then fail, so it was not touched.',
    hint: 'pvs -o pv_name,vg_name,pv_size   # in a shell on a node: where {vg} lies; or choose another vg:',
  },
  'lun-of-another': {
    says: 'The LUN {base} ({size}) seems to hold the volume group {other}, not {vg}. It was not touched.',
    hint: 'pvs -o pv_name,vg_name,pv_size   # in a shell on a node; if it is {other} that you want, give vg:{other}',
  },
  'storage-used': {
    says: 'Machines have disks or CD-ROMs on {storage}: {guests}.',
    hint: 'Move those disks elsewhere or take the CD-ROMs out first: storage contents {storage}',
  },
  'storage-not-online': {
    says: 'The server or array behind the storage does not answer.',
    hint: 'Look whether it is on and reachable from the node, then type the line again',
  },
  'mount-refused': {
    says: 'The server does not let this node mount what was asked for.',
    hint: 'Allow the addresses of all nodes on the server, then type the line again',
  },
  'storage-login': {
    says: 'The server does not take this user and password.',
    hint: 'Look them up on the server, then type the line again: the password is asked for anew',
  },
  'no-datastore': {
    says: 'The backup server answers and has no datastore {datastore}, or this user may not see it.',
    hint: 'proxmox-backup-manager datastore list   # on the backup server; the user needs DatastoreBackup on /datastore/{datastore}',
  },
  'storage-fingerprint': {
    says: 'The backup server shows another certificate than the one that was given.',
    hint: 'proxmox-backup-manager cert info   # on the backup server; then the line again with fingerprint:',
  },
  'no-volume-group': {
    says: 'The node sees no volume group {vg}.',
    hint: 'vgs   # in a shell on the node',
  },
  'no-zfs-pool': {
    says: 'The node has no ZFS pool {pool}.',
    hint: 'zpool list   # in a shell on the node; zpool import lists pools that are there and asleep',
  },
  'no-folder': {
    says: 'The folder {path} is not there on the node, or what is mounted there does not answer.',
    hint: 'ls -ld {path}   # in a shell on the node',
  },
  'no-export': {
    says: '{server} answers and does not export {wanted}. It exports: {there}.',
    hint: 'storage add {id} type:nfs server:{server} export:{first}',
  },
  'no-target': {
    says: '{server} answers and has no target {wanted}. It has: {there}.',
    hint: 'storage add {id} type:iscsi portal:{server} target:{first}',
  },
  'no-group': {
    says: 'Node {server} sees no volume group {wanted}. It sees: {there}.',
    hint: 'storage add {id} type:lvm vg:{first}',
  },
  'no-pool': {
    says: 'Node {server} sees no ZFS pool {wanted}. It sees: {there}.',
    hint: 'storage add {id} type:zfspool pool:{first}',
  },
  'no-thin-pool': {
    says: 'Volume group {vg} on {server} has no thin pool {wanted}. It has: {there}.',
    hint: 'storage add {id} type:lvmthin vg:{vg} thinpool:{first}',
  },
  'no-share': {
    says: '{server} answers and shares no {wanted}. It shares: {there}.',
    hint: 'storage add {id} type:cifs server:{server} share:{first}',
  },
  'no-storage': { says: 'No storage is called "{given}" in {cluster}. There is: {storages}.', hint: 'storage list' },
  'storage-of-kind': {
    says: 'A storage is for kind:storage; this is kind:{kind}.',
    hint: 'drill plan {node} kind:storage storage:{storage}',
  },
  'no-storage-near': {
    says: 'No storage is called "{given}" in {cluster}. Did you mean {near}?',
    hint: 'storage list',
  },
  'no-such-iso': { says: 'There is no ISO image "{given}" that node {node} reaches.', hint: 'storage contents' },
  'no-such-iso-near': {
    says: 'There is no ISO image "{given}" that node {node} reaches. Did you mean {near}?',
    hint: 'storage contents',
  },
  'volume-of-guest': {
    says: '{volid} belongs to {name} ({vmid}) on {node}{drive}. Deleted here, the machine would be left without it.',
    hint: 'vm show {vmid}   # take the disk out there first; or: vm delete {vmid}',
  },
  'volume-used': {
    says: '{volid} is in the drive of {guests}. Without it they could not start.',
    hint: 'vm cdrom {vmid} eject drive:{drive}   # takes it out; then the line again',
  },
  'volume-linked': { says: 'Linked clones stand on this disk, so Proxmox keeps it.', hint: 'vm list' },
  'volume-protected': {
    says: 'The backup is protected, so Proxmox keeps it.',
    hint: 'pvesm set {volume} --protected 0   # in a shell on a node, if it may go',
  },
  'content-not-taken': { says: 'A storage of this type does not take {content}.', hint: 'storage list' },
  'vg-of-another': {
    says: 'The disk belongs to the volume group {vg} already. Proxmox left it alone.',
    hint: 'storage contents   # choose another LUN, or give vg:{vg}',
  },
  'storage-base-used': {
    says: 'Another storage stands on it (its base), so Proxmox does not let go of it.',
    hint: 'storage list',
  },
  'url-secret': {
    says: 'The address holds a user or a password. Everybody here can read it, and so can everybody who sees the task.',
    hint: 'Use an address without it, and change that password',
  },
  'url-local': {
    says: 'The address {host} is the node itself or its own link, where no file should come from.',
    hint: 'storage download https://…',
  },
  'checksum-mismatch': {
    says: 'What was downloaded is not what the checksum promises, so Proxmox threw it away.',
    hint: 'Look the checksum and the address up again on the page of whoever made the file',
  },
  'download-failed': {
    says: 'The node could not fetch the address: it is not there, or the node has no way to it.',
    hint: 'job log {job}',
  },
}

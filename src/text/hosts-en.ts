import type { Topic } from '../ha/host-check.ts'

interface Wanted {
  name: string
  minimum: string
  optimal: string
}

const topics: Record<Topic, Wanted> = {
  reach: { name: 'Online', minimum: 'yes', optimal: 'yes' },
  architecture: { name: 'Architecture', minimum: '64-bit (x86_64)', optimal: 'Intel EM64T or AMD64' },
  virtualization: { name: 'Virtualization', minimum: 'Intel VT or AMD-V', optimal: 'Intel VT or AMD-V' },
  passthrough: { name: 'PCI passthrough', minimum: '–', optimal: 'VT-d or AMD-Vi' },
  memory: {
    name: 'Memory',
    minimum: '1 GB',
    optimal: '2 GB, and 1 GB for each TB of Ceph or ZFS, beside the machines',
  },
  'boot-disk': {
    name: 'Boot disk',
    minimum: 'a disk of 32 GB, not USB',
    optimal: 'RAID with protected cache, or mirrored',
  },
  disks: { name: 'Disks', minimum: 'hard disk or SSD', optimal: 'SSD' },
  cards: { name: 'Network cards', minimum: '1', optimal: '2, the second for storage' },
  address: { name: 'Address', minimum: 'all in one range', optimal: 'all in one range' },
  links: { name: 'Corosync links', minimum: '1', optimal: '2' },
  votes: { name: 'Nodes and votes', minimum: '3 for high availability', optimal: '3 or more' },
  clock: { name: 'Clock', minimum: 'within 2 s of the others', optimal: 'within 2 s of the others' },
  version: { name: 'Version', minimum: 'the same everywhere', optimal: 'the same everywhere' },
  updates: { name: 'Updates', minimum: 'a repository that answers', optimal: 'a subscription' },
}

/** Of `host check`: what is wanted, what was found, what to do. */
export const hostsEn = {
  topics,
  labels: { topic: 'What', result: 'Result', found: 'Found', wanted: 'Minimum / optimal', todo: 'What to do' },
  all: 'all',
  wanted: '{minimum} / {optimal}',
  found: {
    unread: 'not known',
    online: 'yes',
    offline: 'OFFLINE: nothing of it can be measured',
    machine: '{machine}',
    vmx: 'Intel VT (vmx)',
    svm: 'AMD-V (svm)',
    'no-virtualization': 'none',
    iommu: 'on',
    'no-iommu': 'off, or not there',
    memory: '{total}, {promised} of it promised to running machines',
    'boot-disk': '{disks} ({kind}, {size})',
    'boot-disks': '{disks} ({kind}, {size})',
    disks: '{count}: {kinds}',
    'disk-failing': '{disk} says that it FAILS',
    'disk-worn': '{disk} has {left} % of its life left',
    cards: '{count}, {up} up',
    address: '{address}',
    links: '{links}',
    votes: '{nodes} nodes, {votes} votes',
    'in-step': 'in step',
    ahead: '{seconds} s ahead',
    behind: '{seconds} s behind',
    version: '{version}',
    enterprise: 'subscription, {repositories}',
    'enterprise-unpaid': '{repositories}, and no subscription: it refuses every update',
    unpaid: 'no subscription, {repositories}',
    'test-repository': '{repositories}',
    'no-repository': "none of Proxmox's",
  },
  todo: {
    'switch-on': 'Switch it on: host wake {node}',
    'other-host': 'Proxmox VE runs on 64-bit Intel and AMD only; take another machine.',
    bios: 'Switch VT-x or AMD-V (SVM) on in its BIOS; without it no machine runs.',
    nested: 'It is itself a virtual machine: switch nested virtualization on where it runs.',
    iommu: 'Only for passing cards to machines: switch VT-d or AMD-Vi on in its BIOS.',
    memory: 'Less than Proxmox VE itself needs: add memory.',
    'memory-left': 'Little is left for the host ({wanted} is good): add memory, or move machines away.',
    'boot-usb': 'A USB stick wears out soon: install on a disk.',
    'boot-small': 'It fills up with logs and updates: take a disk of 32 GB or more.',
    'boot-single': 'One disk as Proxmox sees it; whether a RAID controller stands behind it cannot be seen from here.',
    replace: 'Replace it before it fails: host drain {node}',
    ssd: 'Hard disks will do; SSDs are much faster for several machines.',
    card: 'It has no network card of its own.',
    'second-card': 'With a second card storage and machines do not stand in each other’s way.',
    'one-range': 'Others are in another range; corosync and migration want all in one: host network',
    'second-link': 'A second link keeps quorum when a switch fails: pvecm(1), "Adding Redundant Links".',
    'third-node': 'With two nodes the loss of either loses quorum; add a third, or a QDevice.',
    chrony: 'On it: systemctl restart chrony && chronyc tracking',
    'same-version': 'Bring all to the same version first: host update-check',
    'no-subscription':
      'Under its Updates → Repositories, or: pvesh set /nodes/{node}/apt/repositories --handle no-subscription',
    'no-test': 'The test repository is not for production.',
  },
  power: {
    titles: { shutdown: 'Shut down node {node}', reboot: 'Reboot node {node}' },
    votes: 'Votes',
    votesAre: '{before} → {after} of {expected}; {needed} are needed',
    policy: 'Shutdown policy',
    quorumLost: 'Quorum is LOST with it: the rest is read-only, nothing is recovered.',
    lastMargin: 'Afterwards one more loss makes the cluster read-only.',
    outside: 'Not under HA, stopped with it: {guests}',
    fate: '{then} ({why})',
    lives: 'Quorum itself lives on it ({what}): it falls silent, and cannot bring anything back.',
    noWake:
      'It has no Wake-on-LAN address, so `host wake {node}` will not work. While it is on: pvesh set /nodes/{node}/config --wakeonlan MAC',
    lone: 'It is in no cluster: nobody else can tell that it is back.',
    clickSelect: 'Select node {node} in the tree on the left',
    click: {
      shutdown: 'Click "Shutdown" at the top right, and confirm',
      reboot: 'Click "Reboot" at the top right, and confirm',
    },
  },
}

import { drillEn } from './ha-drill-en.ts'
import { impactEn } from './ha-impact-en.ts'
import { reasonsEn } from './ha-why-en.ts'

/** What HA is and says, in the words of those who never heard of it; shared by the commands and cards about it. */
export const haEn = {
  /** A service's state, as Proxmox's own interface names them. */
  states: {
    queued: 'queued: the HA manager has not taken it yet',
    starting: 'starting',
    started: 'runs',
    stopping: 'stopping',
    request_stop: 'stopping',
    request_start: 'about to start',
    request_start_balance: 'about to start, on a less busy node',
    stopped: 'off, as wanted',
    disabled: 'off and left alone (disabled)',
    migrate: 'moving live',
    relocate: 'moving: stopped here, started there',
    fence: 'its node is being fenced; nothing starts until that is certain',
    recovery: 'waits for a node that it may run on',
    freeze: 'frozen: it is not touched and not recovered',
    error: 'in error: HA does nothing more with it. See: why {guest}',
    'clearing error flag': 'leaving the error state',
    deleting: 'HA is letting go of it',
    ignored: 'HA ignores it, as wanted',
    ignore: 'HA is disarmed and ignores it',
    'not found': 'there is no such machine any more',
  },
  /** What is wanted of a service. */
  wanted: {
    started: 'runs',
    enabled: 'runs',
    stopped: 'is off, and is recovered with its node',
    disabled: 'is off, and left alone',
    ignored: 'HA does nothing with it',
  },
  nodes: {
    online: 'online',
    maintenance: 'in maintenance',
    unknown: 'not seen; after a minute its machines are taken over',
    fence: 'being fenced',
    gone: 'no longer in the cluster',
  },
  armed: {
    armed: 'armed: a node that is lost resets itself, and its machines start elsewhere',
    standby: 'standby: no watchdog runs, since HA has nothing to watch',
    standbyDead: 'standby although machines are under HA: its manager does not work',
    disarming: 'on the way to disarmed ({mode})',
    disarmed: 'DISARMED ({mode}): nothing is fenced, recovered or moved until `ha arm`',
    unsaid: 'armed while machines are under HA (this version does not say it)',
  },
  /** What happens to the machines of a node that is told to go down. */
  policies: {
    conditional: {
      shutdown: 'machines are stopped, and start on other nodes a minute after it is off',
      reboot:
        'machines are stopped and frozen, and start on the same node when it is back; they are down all the while',
    },
    freeze: {
      shutdown: 'machines are stopped and frozen: no other node takes them over',
      reboot: 'the same; they start when the node is back',
    },
    failover: {
      shutdown: 'machines are stopped, and start on other nodes a minute after it is off',
      reboot: 'the same, unless the node is back within that minute',
    },
    migrate: {
      shutdown:
        'machines move away live first (containers restart), and come back with the node; it waits until all have moved',
      reboot: 'the same',
    },
  },
  /** By hand, in the web interface. */
  clicks: {
    open: 'Select "Datacenter" in the tree on the left, then "HA"',
    add: 'Under "Resources" click "Add", choose {guest}, and set what stands above',
    edit: 'Under "Resources" select {sid}, click "Edit", and set what stands above',
    remove: 'Under "Resources" select {sid} and click "Remove"',
    move: 'Select {guest} in the tree on the left, click "Migrate" at the top right, and choose {node}',
    rules: 'Click "Affinity Rules" below "HA"; add, edit or remove {rule} there',
    groups: 'Click "Groups" below "HA"; create, edit or remove {rule} there',
    options: 'Click "Options" below "Datacenter", then "HA Settings", "Edit", and choose {policy}',
    noClicks: 'There is no button for it; the line above is the way',
  },
  reasons: reasonsEn,
  impact: impactEn,
  drill: drillEn,
  labels: {
    ha: 'HA',
    rule: 'Rule',
    prefers: 'Prefers',
    strict: 'never elsewhere',
    together: 'together',
    apart: 'apart',
    wanted: 'Wanted',
    restart: 'Restarts tried on the same node',
    relocate: 'Other nodes tried',
    failback: 'Goes home when its node is back',
    comment: 'Comment',
    guests: 'Machines',
    nodes: 'Nodes',
    policy: 'Shutdown policy',
    onShutdown: 'On shutdown',
    onReboot: 'On reboot',
    next: 'Next step',
  },
} as const

export const haErrorsEn = {
  'ha-not-under': { says: '{name} is not under high availability.', hint: 'ha add {guest}' },
  'ha-no-nodes': { says: 'Rule {rule} names no node.', hint: 'ha prefer {rule} pve1:3 pve2:2' },
  'ha-unknown-node': {
    says: 'Rule {rule} names {node}, and the cluster has no such node. It has: {nodes}.',
    hint: 'ha prefer {rule} {nodes}',
  },
  'ha-no-guests': {
    says: 'Rule {rule} would have no machine, and since Proxmox VE 9 a rule must have one.',
    hint: 'ha add GUEST prefer:{rule}',
  },
  'ha-not-managed': {
    says: '{sid} is not under high availability, and a rule may only name machines that are.',
    hint: 'ha add {guest}',
  },
  'ha-needs-two': { says: 'Rule {rule} needs two machines at least.', hint: 'help ha together' },
  'ha-two-preferences': {
    says: '{sid} already prefers the nodes of {other}; a machine can have one preference only.',
    hint: 'ha set {guest} prefer:{rule}   # leaves {other}',
  },
  'ha-together-and-apart': {
    says: '{sids} must be together by rule {other} and apart by rule {rule}: both cannot hold.',
    hint: 'ha unrule {other}',
  },
  'ha-apart-too-many': {
    says: 'Rule {rule} wants {count} machines on as many nodes, and the cluster has {nodes}.',
    hint: 'ha rules',
  },
  'ha-apart-no-room': {
    says: 'Rule {rule} cannot hold: with their strict preferences there is no node of its own for {sids}.',
    hint: 'ha rules',
  },
  'ha-several-priorities': {
    says: '{sids} prefer nodes in several ranks (rule {other}), and Proxmox keeps no machines together or apart that do.',
    hint: 'ha rules   # give the nodes of {other} one rank, or leave one of the two rules',
  },
  'ha-no-common-node': {
    says: 'Rule {rule} keeps machines together whose preferences ({preferences}) have no node in common.',
    hint: 'ha rules',
  },
  'ha-error-first': {
    says: '{name} is in the error state; HA takes nothing else until it has been disabled once.',
    hint: 'ha set {guest} state:disabled   # then: ha set {guest} state:started',
  },
  'ha-changed-meanwhile': {
    says: 'Somebody changed {what} after this was decided, so it was not touched.',
    hint: 'ha status',
  },
  'changed-at-once': {
    says: 'Somebody changed the same configuration at the same moment, so nothing was written.',
    hint: 'Look at it and type it again.',
  },
  'ha-groups-not-migrated': {
    says: 'The cluster still has HA groups from before Proxmox VE 9 and has not turned them into rules yet; it does when every node runs 9.',
    hint: 'host list   # every node must be online and upgraded',
  },
  'ha-template': {
    says: '{name} is a template, and a template cannot run: HA takes it and ends in the error state.',
    hint: 'vm clone {guest} name:NAME   # put the clone under HA',
  },
  'ha-local-disk': {
    says: '{key} of {name} is on {storage}, which is local to its node: HA cannot start it anywhere else, unless it is replicated.',
    hint: 'qm disk move {guest} {key} STORAGE   # onto a shared storage; or add it all the same: ha add {guest} anyway:true',
  },
  'ha-cdrom': {
    says: 'The CD-ROM drive {key} of {name} holds something from {storage}, which not every node can reach: there it would not start.',
    hint: 'vm cdrom {guest} eject drive:{key}',
  },
  'ha-storage': {
    says: '{key} of {name} is on {storage}, which {nodes} cannot reach: there it would not start.',
    hint: 'pvesm set {storage} --nodes NODES   # or add it all the same: ha add {guest} anyway:true',
  },
  'ha-host-file': {
    says: '{key} of {name} is {storage}, a file or device of its node alone: it would not start anywhere else.',
    hint: 'ha add {guest} anyway:true   # if every node has it',
  },
  'ha-passthrough': {
    says: '{name} uses a device of its node ({key}): it cannot move, nor start anywhere else.',
    hint: 'qm set {guest} --delete {key}   # or use a mapped device, which other nodes have too',
  },
  'ha-bad-nodes': {
    says: '"{given}" is no list of nodes by rank.',
    hint: 'ha prefer {rule} pve1:3 pve2:2 pve3:1   # the highest that is online is taken',
  },
  'ha-bad-name': {
    says: '"{given}" cannot be the name of a rule: a letter first, then letters, digits, - and _, two at least.',
    hint: 'ha rules',
  },
  'ha-name-taken': { says: '{rule} is the name of a rule of another kind.', hint: 'ha rules' },
  'ha-is-disarmed': { says: 'HA is disarmed: it moves nothing until somebody arms it.', hint: 'ha arm' },
  'ha-still-queued': {
    says: 'The HA manager has not taken {name} yet, so it would not hear the wish.',
    hint: 'why {guest}',
  },
  'ha-is-ignored': { says: 'HA was told to ignore {name}.', hint: 'ha set {guest} state:started' },
  'ha-already-there': { says: '{name} is on {node} already.', hint: 'vm show {guest}' },
  'ha-in-maintenance': { says: '{node} is in maintenance and takes no machines.', hint: 'ha status' },
  'ha-is-busy': { says: 'HA is busy with {name}: {state}.', hint: 'why {guest}' },
  'ha-not-allowed': {
    says: 'Rule {rule} is strict and leaves out {node}: {sid} may not run there.',
    hint: 'ha rules',
  },
  'ha-is-blocked': {
    says: '{sid} is on {node}, and rule {rule} keeps it apart from {name} or from one that goes with it. Proxmox would take the wish and drop it without a word.',
    hint: 'ha migrate {sid} NODE   # first',
  },
  'ha-nothing-to-change': { says: '{what} is like that already.', hint: 'ha status' },
  'ha-no-rule': { says: 'There is no rule or preference called {rule}.', hint: 'ha rules' },
  'ha-since-nine': {
    says: 'Keeping machines together or apart came with Proxmox VE 9; this cluster has {version}.',
    hint: 'ha prefer NAME pve1:2 pve2:1 guests:100,101   # the same preference is the nearest thing',
  },
} as const

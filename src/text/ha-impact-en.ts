import type { DrillKind, FateCode, Outcome } from '../ha/impact.ts'

/** What would become of a machine when its node goes, and why. */
export const impactEn = {
  outcomes: {
    moves: 'starts on {to}',
    migrates: 'moves live to {to}',
    relocates: 'restarts on {to}',
    waits: 'down until {node} is back',
    down: 'stays down',
    off: 'is off',
    stalls: 'stands still on {node}, and is called running all along',
    stays: 'runs on',
    unknown: 'not known',
  } satisfies Record<Outcome, string>,
  fates: {
    recovered: 'HA recovers it on {to}, the node that has the fewest machines under HA.',
    'recovered-preferred': 'HA recovers it on {to}, the next in {rule} (rank {priority}).',
    'recovered-with': 'HA recovers it on {to}, with those that rule {rule} keeps it together with.',
    'after-failed-start': 'HA tries {first} first, where it cannot start, and then {to}.',
    migrates: 'The node moves it away live before it goes down.',
    relocates: 'A container does not move live: it is stopped, and started on {to}.',
    'restarts-if-quick': 'Policy failover: if {node} is back within 60 s it starts there, else HA recovers it on {to}.',
    frozen: 'Policy {policy}: HA freezes it, so nothing moves, and it starts when {node} is back.',
    'not-ha': 'Not under HA: nobody starts it again. To change that: ha add {guest}',
    'not-ha-boots': 'Not under HA: it starts when {node} is back (onboot). To change that: ha add {guest}',
    ignored: 'HA was told to ignore it. To change that: ha set {guest} state:started',
    'in-error': 'HA has it in the error state and does nothing with it. See: why {guest}',
    disarmed: 'HA is disarmed: nothing is recovered. To change that: ha arm',
    'no-quorum': 'No majority is left: nothing is recovered, and nodes with machines under HA reset themselves.',
    'not-taken': 'The HA manager has not taken it yet. See: why {guest}',
    strict: 'Rule {rule} allows no node that is left.',
    apart: 'Rule {rule} keeps it apart from machines on every node that is left.',
    'no-node': 'No node is left that could take it.',
    'local-disk': 'Its {key} is on {storage}, which only {node} has: HA tries {to}, and the start fails there.',
    storage: 'Its {key} is on {storage}, which {nodes} cannot reach: HA tries {to}, and the start fails there.',
    cdrom:
      'The ISO in {key} is on {storage}, which {nodes} cannot reach: HA tries {to}, and the start fails there. To eject: vm cdrom {guest} eject',
    passthrough: 'It uses hardware of {node} ({key}): HA tries {to}, and the start fails without it.',
    'is-off': 'It is off.',
    'disk-gone':
      'Its {keys} goes with {storage}: what runs inside waits for its disk. HA watches nodes, not storages, so nobody moves it.',
    'iso-gone':
      'Only the ISO in {keys} goes with {storage}: until that is back it cannot start or move. To eject it: vm cdrom {guest} eject',
    elsewhere: 'It has nothing on {storage}.',
    'off-disk': 'It is off, and could not start: its {keys} goes with {storage}.',
    unread: 'Its configuration could not be read, so nobody knows what it has on {storage}.',
  } satisfies Record<FateCode, string>,
  kinds: {
    shutdown: 'graceful shutdown',
    migrate: 'shutdown under policy migrate',
    reboot: 'reboot',
    power: 'power loss',
    network: 'network cut',
    storage: 'storage cut',
  } satisfies Record<DrillKind, string>,
  tight: '{to} has hardly the memory for it',
  homeAgain: 'goes home to {home} once it is back',
}

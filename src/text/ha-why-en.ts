import type { ReasonCode } from '../ha/why.ts'

/** Why a guest is where it is and as it is, each with the next step where there is one. */
export const reasonsEn = {
  'no-guest': 'There is no {sid} in this cluster.',
  'no-quorum':
    'Node {node}, which answered, has no quorum: what it says is frozen, and nothing is started, moved or changed until a majority is back. See: quorum',
  'not-under-ha':
    'It is not under high availability: nobody moves it or starts it again when its node fails. To change that: ha add {vmid}',
  'let-go': 'It was taken out of high availability, and the manager is letting go of it.',
  ignored:
    'HA was told to ignore it (state ignored): it neither starts nor moves it. To change that: ha set {vmid} state:started',
  disarmed: 'HA is disarmed ({mode}): nothing is started, moved or recovered until somebody arms it: ha arm',
  disarming: 'HA is being disarmed ({mode}): nothing new is begun.',
  template:
    'It is a template, and a template cannot run; HA takes it and ends in the error state. Take it out: ha remove {vmid}',
  'no-master':
    'No HA manager works yet. It begins within a minute of the first machine that is put under HA, on a cluster with quorum.',
  'master-silent':
    'The HA manager on {node} has been silent for {seconds} s. Another node takes over after two minutes; until then nothing is decided.',
  queued: 'It is in the queue: the HA manager has not taken it yet, which takes up to some ten seconds while it works.',
  error:
    'It is in the error state, in which HA does nothing with it, not even when its node fails. Why it got there HA does not say: a stop that failed, or a start that ended in an unknown way. First: ha set {vmid} state:disabled, then: ha set {vmid} state:started',
  'gave-up':
    'Its start failed on {nodes}; restarts per node: {restart}, other nodes tried: {relocate}. That was all that was allowed, so it is in the error state. Mend the cause, then: ha set {vmid} state:disabled, and: ha set {vmid} state:started',
  'wrong-node':
    'HA looks for it on {node}, and it is on {real}: it was moved behind its back, and now it is in the error state. First: ha set {vmid} state:disabled, then: ha set {vmid} state:started',
  clearing: 'It is leaving the error state on {node}; once it says "disabled": ha set {vmid} state:started',
  frozen:
    'It is frozen: the HA services of {node} are restarting, or the node is being rebooted. It goes on when the node says that it is active again.',
  'frozen-node-gone':
    'It is frozen, and {node} is off: the node went down for a reboot and has not come back. A frozen machine is never taken over; it waits until {node} is back. See: ha policy',
  fencing:
    'Its node {node} is being fenced: until it is certain that the node is dead (its lock runs out after two minutes) starting it elsewhere could corrupt its disks.',
  'waits-for-fence':
    'Its node {node} is not seen any more. HA waits one minute, then until the lock of the node has run out (two minutes), before it starts it elsewhere.',
  'no-target-strict':
    'It must be recovered from {node}, and rule {rule} allows only {nodes} (strict), none of which can take it now.',
  'no-target-apart':
    'It must be recovered from {node}, and on every node that is left runs one that it must be apart from by rule {rule}: {sids}.',
  'no-target':
    'It must be recovered from {node}, and the manager finds no node for it. Which rule stands in the way is not known.',
  moving: 'It is on its way from {node} to {target} ({how}). If that lasts, look at the migration task: status',
  'failed-starts': 'Its start failed on {nodes}; now it is tried on {node}.',
  'waits-for-lock':
    'Node {node} waits for its HA lock, up to two minutes after it came back. A machine that moved there live runs all along.',
  starting: 'The manager has ordered its start on {node}; the node does it within about ten seconds.',
  stopping:
    'It is being stopped on {node}; a machine that does not answer takes its whole time-out, a minute unless set otherwise.',
  'off-as-wanted': 'It is off because that is wanted (state stopped). To start it: ha set {vmid} state:started',
  'off-disabled': 'It is off because it is disabled. To start it: ha set {vmid} state:started',
  'off-unmanaged': 'It is off, and nothing starts it by itself. To start it: vm start {vmid}',
  'away-for-maintenance':
    'It is on {node} because {home} is or was in maintenance, or went down under the policy migrate; it goes home when {home} is online again.',
  'leaving-maintenance': 'Its node {node} is in maintenance, and it is to move away.',
  'failback-off':
    'Rule {rule} would rather have it on {home}, which is online, but going home is switched off for it (failback). To move it: ha migrate {vmid} {home}',
  'favourite-away': 'It is on {node} because {away}, which rule {rule} puts first, cannot take it now.',
  follows: 'It is on {node} because rule {rule} keeps it together with {sids}.',
  'kept-apart': 'Rule {rule} keeps it apart from {sids}, which is on {away}.',
  'on-favourite': 'It is on {node} because rule {rule} puts that node first.',
  'disk-lost':
    '{key} is on storage {storage}, which {node} does not reach now: what runs inside stands still until it does. HA does not see that, and moves nothing. See: storage show {storage}',
  'runs-as-wanted': 'It runs on {node}, as wanted. No rule says where it should be.',
  'runs-unmanaged': 'It runs on {node}, where somebody started it or put it.',
  'rule-ignored': 'Rule {rule} names it, and Proxmox ignores that rule since it cannot hold:',
  'storage-lacking': '{key} is on storage {storage}, which {nodes} cannot reach: it cannot run there.',
  locked: 'It is locked ({lock}): another task works on it, or one was interrupted.',
  'last-failure': 'Its last task that failed was {type} on {node}. {cause}',
} as const satisfies Record<ReasonCode, string>

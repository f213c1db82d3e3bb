import type { StopCode } from '../ha/drill.ts'
import type { GateCode } from '../ha/gates.ts'
import type { DrillKind } from '../ha/impact.ts'
import { drillTimesEn } from './ha-drill-times-en.ts'

/** Drills: what each kind proves, what must be so before, and what came of it. */
export const drillEn = {
  /** What becomes of a machine that nobody brings elsewhere: in a drill that is not all. */
  down: 'goes down with {node}',
  again: 'goes down with {node}, and is started again at the end',
  alone: 'Not under HA: after a real loss nobody starts it again. To change that: ha add {guest}',
  proves: {
    shutdown:
      'Proves that machines under HA are stopped in order, taken over and started elsewhere. It is no crash: a crash takes about two minutes.',
    migrate:
      'Proves that a node can be emptied live before it goes down: the only kind that nobody may notice. It proves nothing about a crash.',
    reboot:
      'Proves that machines come back with their node. Under policy conditional nothing fails over: they wait, frozen.',
    power:
      'Proves recovery from a crash. It takes about two minutes: 60 s until the node is given up, 120 s until its lock is free, then the start.',
    network:
      'Proves that a node that is cut off resets itself and that its machines start elsewhere, never twice. It takes about two minutes.',
    storage:
      'Shows what HA does NOT do: it watches nodes and processes, not storages. A machine whose disk is gone stands still and stays started; nothing is fenced, nothing is moved. How long its users notice only a probe of the machine itself measures; without one the down-time is not known. It proves nothing about a node that fails, nor about a server or array that fails for all nodes.',
  } satisfies Record<DrillKind, string>,
  gates: {
    quorum: 'Quorum holds, now and without {node}.',
    margin: 'One more node could go during the drill, and quorum would still hold.',
    armed: 'HA is armed.',
    lrm: 'The HA agent of {node} works.',
    'in-error': 'No machine is in error.',
    busy: 'No backup, replication or move is running.',
    jobs: 'No other job is at work here.',
    incidents: 'No incident is open.',
    policy: 'The shutdown policy is migrate, as this kind needs.',
    'moves-nothing': 'Something moves: HA takes at least one machine elsewhere.',
    'not-ha':
      'Every machine that runs on {node} and is not under HA is accepted by name: it goes down too, and is started again at the end.',
    acpi: 'What runs on {node} answers a shutdown request.',
    drives: 'Each machine finds its disks AND CD-ROMs on the node that takes it.',
    memory: 'The nodes that are left have memory enough.',
    lives: 'Neither the bot nor its Redis lives on {node}.',
    means: 'The lab or a power device can do it.',
    restore: '{node} can be started again from here.',
    master: 'The HA manager works elsewhere.',
    lab: 'The lab can do it: nothing else cuts networks and storages.',
    shared: 'The storage is shared: a server or an array that one node can lose alone.',
    reached: '{node} reaches the storage now.',
    used: 'Something that runs on {node} has a disk on it.',
    read: 'The configuration of every machine on {node} could be read.',
    stalls: 'Every machine that would stand still and is not under HA is accepted by name.',
    'goes-with': 'No other storage goes with it.',
    seen: 'Another node reaches it too, and can tell whether it is back.',
  } satisfies Record<GateCode, string>,
  /** The same where it is not so. */
  unmet: {
    quorum: 'Quorum does not hold now, or would not without {node}. See: quorum',
    margin: 'With {node} gone no other node may go: a second fault would make the cluster read-only.',
    armed: 'HA is disarmed. First: ha arm',
    lrm: 'The HA agent of {node} does not work. Wait a round, or see: ha status',
    'in-error': 'Machines are in error. First: why MACHINE',
    busy: 'Backups, replication or moves are running. Wait for them: status',
    jobs: 'Another job is at work here. See: job list',
    incidents: 'Incidents are open. See: incident list',
    policy: 'This kind needs the shutdown policy migrate. First: ha policy migrate',
    'moves-nothing':
      'Nothing moves: HA would take no machine elsewhere. Put one under HA: ha add MACHINE; or choose another node, or kind:shutdown; or add expect:nothing where that is the hypothesis.',
    'not-ha': 'Not under HA: it goes down too, and is started again at the end. Accept it by name: accept:{accept}',
    acpi: 'It may not answer a shutdown request, and is killed after a minute then.',
    drives:
      'The node that takes it does not find its disks or CD-ROM. First: vm cdrom MACHINE eject, or shared storage',
    memory: 'The nodes that are left may not have the memory for it.',
    lives: 'The bot or its Redis lives on {node}. Move it away first.',
    means: 'Nothing here can do it to {node}. Configure: power: { {node}: { webhook: … } }',
    restore: 'Nothing here can start {node} again: a person is asked to.',
    master: 'The HA manager works on {node}: another node takes over first, which takes longer.',
    lab: 'Only the lab can cut networks and storages: quorum lab. What would happen here: impact {node}, or impact STORAGE',
    shared:
      'This storage is a disk of the node itself, or of each node: nothing lies between them that could be cut, and where it fails {node} fails. To try that: drill plan {node} kind:power',
    reached: '{node} does not reach this storage, so it cannot lose it. See: storage list',
    used: 'Nothing that runs on {node} has a disk on it, so nothing would show. What has: impact STORAGE',
    read: 'What they have on it could not be read. See: doctor',
    stalls: 'Not under HA: it would stand still as well. Accept it by name: accept:{accept}',
    'goes-with': 'These are the same bytes, or lie on it, and go with it:',
    seen: 'No other node reaches this storage: only {node} itself can say whether it is back.',
  } satisfies Record<GateCode, string>,
  stops: {
    'another-node': 'another node was lost: {about}',
    'quorum-gone': 'quorum was lost',
    'guest-error': 'in error: {about}',
    unpredicted: 'hit, and not foretold: {about}',
    'control-lost': 'control was lost for a while: the cluster could not be seen, or nothing be stored',
    'not-gone': '{about} had been told to go, and did not',
    'back-early': '{about} came back before all had been seen',
    'not-allowed': 'the rights that it was ordered with were taken away',
    aborted: 'aborted by {about}',
    timeout: 'not all of it came about in time',
  } satisfies Record<StopCode, string>,
  verdicts: {
    'as-predicted': 'as foretold',
    elsewhere: 'elsewhere',
    late: 'too late',
    'not-back': 'not back',
    untouched: 'untouched',
    unknown: 'not known',
    'in-place': 'not moved; whether it stood still is not known',
    'went-on': 'answered all along',
    hit: 'fell silent, not foretold',
  },
  picture: {
    axis: 'seconds since the drill began',
    legend: { up: 'up', leaving: 'going down', down: 'down', fenced: 'fenced', moving: 'moving', unknown: 'not known' },
  },
  times: drillTimesEn,
  overdue: {
    none: 'Everything under HA was proven within {days} days',
    one: '1 HA group was not proven within {days} days',
    many: '{count} HA groups were not proven within {days} days',
    next: 'What was never tried is not known to work. To see what a drill would do: drill plan {node}. To have it come again: drill schedule {node} every quarter first tuesday 10:00',
    group: 'Group or rule',
    proven: 'Last proven',
    never: 'never: {machines}',
    loose: 'in no group',
  },
  trend: {
    title: 'Drills: how long machines were down at most',
    axis: 'seconds',
    thesis: 'thesis: 10 s',
    real: 'real cluster: {seconds} s',
    alt: '{label}: {seconds} s',
    unseen: 'The cluster could not be read, so its groups are not shown.',
  },
  results: { passed: 'passed', failed: 'failed', stopped: 'stopped' },
  labels: {
    gate: 'Gate',
    foretold: 'Foretold',
    seen: 'Seen',
    verdict: 'Verdict',
    down: 'Down',
    machine: 'Machine',
    drill: 'Drill',
    kind: 'Kind',
    node: 'Node',
    when: 'When',
    longest: 'Longest',
    nobody: 'none',
    users: 'its users: {time}',
    unmeasured: 'not known: no probe measured it',
    held: 'Kept away for',
    probeSilent: 'its probe did not answer even before, and is not counted',
    left: 'What remains',
    comparison: 'Compared',
    compared:
      '{here} here; about {thesis} s by eye in the thesis; {real} s on a real cluster of three nodes, from when its node was off until the machine ran elsewhere.',
    whyGraceful:
      'Here nothing is fenced: the node gives its machines up itself. After a crash it takes about two minutes, since the manager waits 60 s before it gives a node up and its lock runs out only after 120 s.',
    whyCrash:
      'A crash takes about two minutes: the manager waits 60 s before it gives the node up, and may start nothing before its lock has run out, 120 s after its last sign of life; only then is it sure that nothing runs there any more.',
    whyStorage:
      'HA did what it does: nothing. That a storage is lost the watcher tells (incident list). A live move away waits for the same disk: a machine that cannot wait is stopped, and started on a node that reaches it.',
    phases: 'Where the time went',
    mtta: 'Time to acknowledge (MTTA)',
    noIncident: 'no incident came of it',
    answered: '{incident} after {after}',
    unanswered: '{incident}: nobody acknowledged it',
  },
}

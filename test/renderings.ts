import type { Message } from '../src/core/message.ts'

/** Neutral messages as the house makes them, one for each thing that a card can show. */
export const cards: Readonly<Record<string, Message>> = {
  info: { title: 'Quorum', state: 'info', text: 'Type `/pve help` to see what you may do.' },
  queued: {
    title: 'Create machine web1 on pve1',
    state: 'queued',
    text: 'place 2 in the queue',
    fields: [
      { name: 'Memory', value: '2 GiB' },
      { name: 'Disk', value: '32 GiB on nas' },
    ],
    actions: [{ id: 'cancel', label: 'Cancel' }],
    job: 'j-1',
  },
  running: {
    title: 'Create machine web1 on pve1',
    state: 'running',
    progress: { step: 2, of: 4, percent: 43, label: 'copying the disk' },
    actions: [
      { id: 'cancel', label: 'Stop' },
      { id: 'log', label: 'Log' },
    ],
    job: 'j-1',
  },
  waiting: {
    title: 'Delete machine web1',
    state: 'waiting',
    text: 'ana wants to delete it. One other person with the role admin must approve within 15 minutes.',
    fields: [
      { name: 'Disks', value: 'local-lvm:vm-100-disk-0' },
      { name: 'Warning', value: 'It is running.' },
    ],
    actions: [
      { id: 'approve', label: 'Approve', style: 'danger' },
      { id: 'reject', label: 'Reject' },
      { id: 'cancel', label: 'Cancel' },
    ],
  },
  ok: {
    title: 'Machine web1 (100) is there',
    state: 'ok',
    fields: [
      { name: 'Node', value: 'pve1' },
      { name: 'Next', value: '/pve vm start 100' },
      { name: 'By hand, in a shell', value: 'qm create 100 --name web1\nqm start 100' },
    ],
    job: 'j-1',
  },
  warning: { title: 'Stop machine web1', state: 'warning', text: 'It did not stop by itself and was cut off.' },
  failed: {
    title: 'Clone machine web1',
    state: 'failed',
    error: {
      code: 'task-failed',
      says: 'Proxmox could not copy the disk.',
      hint: '/pve storage list',
      raw: "clone failed: can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout",
    },
    log: ['create full clone of drive scsi0 (nas:100/vm-100-disk-0.qcow2)', 'TASK ERROR: clone failed'],
    actions: [{ id: 'retry', label: 'Try again', style: 'primary' }],
    job: 'j-2',
  },
  refused: {
    title: '/pve vm delete web1',
    state: 'refused',
    error: { code: 'not-allowed', says: 'vm delete needs the role operator; you have viewer.', hint: 'Ask ana.' },
  },
  stale: { title: 'Cluster main', state: 'stale', text: 'No node has answered since 14:03.' },
  table: {
    title: 'Machines',
    state: 'info',
    table: {
      columns: ['VMID', 'Name', 'Node', 'State'],
      rows: [
        ['100', 'web1', 'pve1', 'running'],
        ['101', 'base de datos', 'pve2', ''],
        ['102', 'خادم', 'pve3', 'stopped'],
      ],
    },
  },
  log: { title: 'Log of web1', state: 'info', log: ['starting', '[INFO] ``` <b> *done*', 'TASK OK'], thread: 'c-1' },
  form: {
    title: 'vm create',
    state: 'waiting',
    text: 'It still needs a name.',
    form: {
      id: 'form.submit',
      fields: [
        { name: 'name', label: 'Name', type: 'text', required: true },
        { name: 'cores', label: 'Cores', type: 'number', required: false, value: '1' },
        {
          name: 'node',
          label: 'Node',
          type: 'select',
          required: false,
          options: [
            { value: 'pve1', label: 'pve1' },
            { value: 'pve2', label: 'pve2' },
          ],
        },
      ],
    },
    actions: [
      { id: 'form.submit', label: 'Fill in', style: 'primary' },
      { id: 'form.cancel', label: 'Cancel' },
    ],
  },
  image: { title: 'Load of main', state: 'info', image: { alt: 'CPU of pve1', url: 'https://quorum.example/i.png' } },
  incident: {
    title: 'pve1 is gone: 2 machines affected',
    state: 'failed',
    text: 'The others are waiting until it is fenced.',
    fields: [
      { name: 'Since', value: '14:03:10' },
      { name: 'web1', value: 'fence on pve1' },
    ],
    actions: [
      { id: 'ack', label: 'Acknowledge', style: 'primary' },
      { id: 'note', label: 'Note' },
      { id: 'resolve', label: 'Resolve' },
    ],
    incident: 'i-1',
    event: { kind: 'node.lost', cluster: 'main', severity: 'critical', node: 'pve1', at: '2026-11-28T14:03:10.000Z' },
  },
  marks: {
    title: '@everyone <!channel> <@U1> *bold* `code`',
    state: 'info',
    text: 'see <https://evil.example|this> and [that](https://evil.example) @here ||x|| <#C1>',
    fields: [{ name: '<!here>', value: '@everyone\u202egnp.exe' }],
  },
}

const many = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const family = '👩‍👩‍👧‍👦'

/** What a large cluster, a long error and somebody with a sense of humour make of them. */
export const worst: Readonly<Record<string, Message>> = {
  '500 guests': {
    title: 'Machines',
    state: 'info',
    table: {
      columns: ['VMID', 'Name', 'Node', 'State'],
      rows: many(500, (i) => [`${100 + i}`, `guest-${i}-${family}`, 'pve1', 'running']),
    },
  },
  'lines of 4 KB in an error': {
    title: 't'.repeat(4096),
    state: 'failed',
    error: {
      code: 'x',
      says: '<!channel> '.repeat(400),
      hint: '@everyone '.repeat(400),
      raw: many(4, () => '`'.repeat(4096)).join('\n'),
    },
    log: many(300, (i) => `${i} ${'w'.repeat(4096)}`),
  },
  'emoji and right to left': {
    title: family.repeat(300),
    state: 'running',
    text: 'مرحبا '.repeat(2000),
    progress: { step: 1, of: 2, percent: 900, label: '\u202e'.repeat(500) },
    fields: many(60, () => ({ name: family.repeat(50), value: 'خادم '.repeat(900) })),
  },
  'every button, with long labels': {
    title: '&<>'.repeat(500),
    state: 'waiting',
    actions: (['confirm', 'cancel', 'approve', 'reject', 'ack', 'note', 'resolve', 'retry', 'log'] as const).map(
      (id) => ({ id, label: `${family} <@U1> `.repeat(40), style: 'danger' as const }),
    ),
  },
  nothing: { title: '', state: 'info', text: '', fields: [], log: [], table: { columns: [], rows: [] }, actions: [] },
}

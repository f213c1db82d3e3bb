import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { type SSEStreamingApi, streamSSE } from 'hono/streaming'
import { contentSecurityPolicy, pageAssets } from '../src/chat/web/page/assets.ts'
import type { ApiError, Completion, Lab, Listed } from '../src/chat/web/page/wire.ts'
import type { Message } from '../src/core/message.ts'

/** A POST that the page made. */
interface Posted {
  path: string
  body: unknown
  language: string | undefined
}

/** The page's server, played by the test: it says what it is told to, and keeps what the page sent. */
export class PageFixture {
  url = ''
  readonly posted: Posted[] = []
  /** `Last-Event-ID` of each stream that was opened; undefined for a fresh one. */
  readonly resumedFrom: (string | undefined)[] = []
  /** undefined: this server has no lab. */
  lab: Lab | undefined = demoLab()
  completions: Completion[] = []
  /** How often the lab was looked at. */
  labLooks = 0
  /** Answer to the next POST instead of 202. */
  refusal: { status: 400 | 401 | 403; error: ApiError } | undefined

  private readonly server: ServerType
  private readonly messages = new Map<string, Listed>()
  private readonly streams = new Set<{ channel: string; stream: SSEStreamingApi }>()
  private seq = 0
  private gate = Promise.resolve()
  private openGate = () => {}
  private streamStatus: 200 | 503 = 200

  private constructor(app: Hono, listening: () => void) {
    this.server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, listening)
  }

  static async start(options: { signIn?: 'none' | 'link' } = {}): Promise<PageFixture> {
    const app = new Hono()
    const fixture = await new Promise<PageFixture>((resolve) => {
      const made: PageFixture = new PageFixture(app, () => resolve(made))
    })
    fixture.mountPage(app, options)
    fixture.mountApi(app)
    fixture.url = `http://127.0.0.1:${(fixture.server.address() as AddressInfo).port}`
    return fixture
  }

  async close(): Promise<void> {
    this.openGate()
    await this.dropStreams()
    await new Promise((closed) => {
      this.server.close(closed)
      if ('closeAllConnections' in this.server) this.server.closeAllConnections()
    })
  }

  get streamsOpen(): number {
    return this.streams.size
  }

  /** Adds a message and answers its id. */
  say(message: Message, from: { author?: string; channel?: string } = {}): string {
    const id = `m${this.messages.size + 1}`
    this.list({
      id,
      seq: 0,
      channel: from.channel ?? 'general',
      author: from.author ?? 'quorum',
      message,
      revision: 0,
      ...(message.thread ? { threadId: message.thread } : {}),
    })
    return id
  }

  /** The message's next revision. */
  edit(id: string, message: Message): void {
    const known = this.messages.get(id)
    if (!known) throw new Error(`no message ${id}`)
    this.list({ ...known, message })
  }

  /** Cuts every stream; new ones wait until `resume`. */
  async pause(): Promise<void> {
    this.gate = new Promise((open) => {
      this.openGate = open
    })
    await this.dropStreams()
  }

  resume(): void {
    this.openGate()
    this.gate = Promise.resolve()
  }

  /** Cuts every stream and answers new ones with this status. */
  async refuseStreams(status: 200 | 503): Promise<void> {
    this.streamStatus = status
    if (status !== 200) await this.dropStreams()
  }

  private async dropStreams(): Promise<void> {
    const dropped = [...this.streams]
    this.streams.clear()
    await Promise.all(dropped.map(({ stream }) => stream.close()))
  }

  private list(entry: Listed): void {
    const listed = { ...entry, seq: ++this.seq, revision: entry.revision + 1 }
    this.messages.set(listed.id, listed)
    for (const { channel, stream } of this.streams) if (channel === listed.channel) void send(stream, listed)
  }

  private mountPage(app: Hono, options: { signIn?: 'none' | 'link' }): void {
    for (const [path, { body, type }] of pageAssets(options)) {
      const headers = { 'content-type': type, 'content-security-policy': contentSecurityPolicy }
      app.get(path, () => new Response(new Uint8Array(body), { headers }))
    }
  }

  private mountApi(app: Hono): void {
    app.get('/api/messages', (c) => {
      const after = Number(c.req.query('after'))
      const mine = [...this.messages.values()].filter((entry) => entry.channel === c.req.query('channel'))
      return c.json({ messages: mine.filter((entry) => entry.seq > after) })
    })
    app.get('/api/stream', (c) => this.stream(c))
    app.get('/api/me', (c) => c.json({ signIn: 'link', identity: 'web:ana' }))
    app.get('/api/complete', (c) => {
      const text = c.req.query('text') ?? ''
      return c.json({ items: this.completions.filter((item) => item.value.startsWith(text)) })
    })
    app.get('/api/lab', (c) => {
      this.labLooks++
      return this.lab ? c.json(this.lab) : c.json({ error: refused('no-lab') }, 404)
    })
    app.post('/api/messages', (c) => this.take(c))
    app.post('/api/actions', (c) => this.take(c))
    app.post('/api/lab/*', (c) => this.take(c))
  }

  private async take(c: Context): Promise<Response> {
    const refusal = this.refusal
    this.refusal = undefined
    const body = await c.req.json()
    this.posted.push({ path: c.req.path, body, language: c.req.header('accept-language') })
    if (refusal) return c.json({ error: refusal.error }, refusal.status)
    if (c.req.path !== '/api/messages') return c.json({}, 202)
    const id = this.say({ title: body.text, state: 'info' }, { author: `web:${body.user}`, channel: body.channel })
    return c.json({ id }, 202)
  }

  private async stream(c: Context): Promise<Response> {
    await this.gate
    if (this.streamStatus !== 200) return c.json({ error: refused('later') }, this.streamStatus)
    this.resumedFrom.push(c.req.header('last-event-id'))
    const channel = c.req.query('channel') ?? ''
    return streamSSE(c, async (stream) => {
      const open = { channel, stream }
      this.streams.add(open)
      await stream.write('retry: 100\n\n')
      await new Promise<void>((ended) => {
        stream.onAbort(ended)
        const close = stream.close.bind(stream)
        stream.close = async () => {
          ended()
          await close()
        }
      })
      this.streams.delete(open)
    })
  }
}

function send(stream: SSEStreamingApi, listed: Listed): Promise<void> {
  return stream.writeSSE({ id: String(listed.seq), event: 'message', data: JSON.stringify(listed) })
}

function refused(code: string): ApiError {
  return { code, says: 'Not here.', hint: '' }
}

export const hostile = '<img src=x onerror=alert(1)>'

export function demoLab(): Lab {
  const guest = (vmid: number, name: string, node: string, status = 'running', ha?: string) => ({
    sid: `vm:${vmid}`,
    vmid,
    name,
    type: 'qemu',
    node,
    status,
    ...(ha ? { ha } : {}),
  })
  const node = (name: string) => ({ name, power: 'on' as const, network: 'up' as const, online: true, votes: 1 })
  return {
    scenario: 'cluster',
    clock: { now: '2025-11-22T14:03:22Z', speed: 1 },
    quorate: true,
    nodes: [node('pve1'), node('pve2'), node('pve3')],
    guests: [
      guest(100, 'web1', 'pve1', 'running', 'started'),
      guest(101, 'db1', 'pve1'),
      guest(102, 'Win11-contabilidad-azuay', 'pve2', 'stopped'),
      guest(110, 'mail', 'pve3', 'running', 'started'),
      { ...guest(9000, 'debian-12', 'pve3', 'stopped'), template: true },
    ],
    storages: [
      { storage: 'local', type: 'dir', shared: false },
      { storage: 'local-lvm', type: 'lvmthin', shared: false },
      { storage: 'Storage', type: 'lvm', shared: true },
      { storage: 'NASAccess', type: 'nfs', shared: true, nodes: ['pve1', 'pve2', 'pve3'] },
    ],
    tasks: [
      { upid: 'UPID:pve1:0000A1B2:0012C3D4:69219A00:qmigrate:100:root@pam:', status: 'running', percent: 42 },
      { upid: 'UPID:pve2:0000A1B3:0012C3D9:69219A01:vzdump:102:root@pam:', status: 'running', percent: 7.4 },
      { upid: 'UPID:pve2:0000A1B0:0012C3D0:69219900:qmstart:101:root@pam:', status: 'stopped' },
    ],
  }
}

/** One of everything that a message can be. */
export const samples = {
  queued: { title: 'Create vm web1', state: 'queued', text: 'Position 2 of 3', job: '42' },
  running: {
    title: 'Create vm web1',
    state: 'running',
    progress: { step: 3, of: 6, percent: 42, label: 'copying the disk' },
    log: [
      'create full clone of drive scsi0',
      'transferred 12.6 GiB of 32.0 GiB (39.38%)',
      'transferred 13.4 GiB (42%)',
    ],
    actions: [
      { id: 'log', label: 'Log' },
      { id: 'cancel', label: 'Cancel', style: 'danger' },
    ],
    job: '42',
  },
  done: {
    title: 'web1 (100) runs on pve1',
    state: 'ok',
    fields: [
      { name: 'Cores', value: '2' },
      { name: 'Memory', value: '4 GiB' },
      { name: 'Disk', value: '`Storage:vm-100-disk-0`, 32 GiB' },
    ],
    job: '42',
  },
  confirm: {
    title: 'Shut down host pve1?',
    state: 'waiting',
    text: 'Quorum stays: 2 of 3 votes. web1 moves to pve2, db1 stays down, since it is not under HA.',
    actions: [
      { id: 'confirm', label: 'Shut down pve1', style: 'danger' },
      { id: 'cancel', label: 'Keep it running' },
    ],
  },
  form: {
    title: 'New virtual machine',
    state: 'waiting',
    form: {
      id: 'f1',
      fields: [
        { name: 'name', label: 'Name', type: 'text', required: true },
        { name: 'cores', label: 'Cores', type: 'number', required: true, value: '1' },
        { name: 'password', label: 'Password', type: 'secret', required: false },
        { name: 'start', label: 'Start it afterwards', type: 'boolean', required: false, value: 'true' },
        {
          name: 'node',
          label: 'Node',
          type: 'select',
          required: true,
          options: [
            { value: 'pve1', label: 'pve1, 12 GiB free' },
            { value: 'pve2', label: 'pve2, 30 GiB free' },
          ],
        },
      ],
    },
  },
  refusal: {
    title: 'web1 already runs on pve2',
    state: 'refused',
    error: {
      code: 'already-there',
      says: 'web1 already runs on pve2, so there is nothing to move.',
      hint: 'Choose another node: `vm migrate web1 to:pve3`',
      raw: '400 Parameter verification failed. target: target is local node.',
    },
  },
  table: {
    title: '60 guests',
    state: 'info',
    table: {
      columns: ['VMID', 'Name', 'Node', 'Status', 'Memory', 'CPU', 'Tags'],
      rows: Array.from({ length: 60 }, (_, row) => [
        String(100 + row),
        `machine-with-a-long-name-${row}`,
        `pve${(row % 3) + 1}`,
        row % 4 ? 'running' : 'stopped',
        `${(row % 8) + 1}.0 GiB`,
        `${(row * 7) % 100} %`,
        'production;accounting;backup-daily',
      ]),
    },
  },
  spanish: {
    title: 'El nodo pve1 no responde: se perdió un voto',
    state: 'warning',
    text: 'Quedan 2 de 3 votos. Una pérdida más y el clúster será de solo lectura.\nSiguiente paso: `/pve why vm:100`',
    event: { kind: 'node.lost', cluster: 'main', severity: 'critical', node: 'pve1', at: '2025-11-22T14:03:22Z' },
    incident: '7',
    actions: [
      { id: 'ack', label: 'Me encargo', style: 'primary' },
      { id: 'note', label: 'Nota' },
      { id: 'resolve', label: 'Resolver' },
    ],
  },
  odd: {
    title: `🚀 ${hostile} עברית العربية`,
    state: 'failed',
    text: `${hostile}\nمرحبا بالعالم 100\nemoji 👩‍👩‍👧 & &amp; <b>not bold</b> \`<i>code</i>\``,
    fields: [{ name: hostile, value: hostile }],
    table: { columns: [hostile], rows: [[hostile]] },
    log: [hostile, 'a'.repeat(300)],
    progress: { step: 1, of: 2, percent: 50, label: hostile },
    actions: [{ id: 'retry', label: hostile }],
    image: { alt: hostile, url: 'https://elsewhere.invalid/x.png' },
    error: { code: 'x', says: hostile, hint: hostile, raw: hostile },
  },
  stale: {
    title: 'Cluster main',
    state: 'stale',
    text: 'Last seen at 14:03:22.',
    fields: [{ name: 'Votes', value: '3 of 3' }],
  },
} satisfies Record<string, Message>

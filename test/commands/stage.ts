import { createHash, randomBytes } from 'node:crypto'
import { loadCatalogue, words } from '../../src/app.ts'
import { Chain } from '../../src/audit/chain.ts'
import { Trail } from '../../src/audit/trail.ts'
import { labBlueprints, openBlueprints } from '../../src/config.ts'
import type { Desk, Pending } from '../../src/core/desk.ts'
import { Dispatch } from '../../src/core/dispatch.ts'
import type { Draft, Drafts } from '../../src/core/drafts.ts'
import type { Enqueue } from '../../src/core/events.ts'
import type { Jobs, KnownHost, LoneLook } from '../../src/core/house.ts'
import type { Installs } from '../../src/core/install.ts'
import type { Language } from '../../src/core/language.ts'
import type { ActionId, Message } from '../../src/core/message.ts'
import type { Card, Outbox } from '../../src/core/outbox.ts'
import { Access, type Grant, type Identity, type Person } from '../../src/core/roles.ts'
import type { JobView } from '../../src/core/worker.ts'
import { createDoctor, type WatchedCluster } from '../../src/doctor/doctor.ts'
import { lookAtRights } from '../../src/doctor/rights.ts'
import { type RunningSim, type SimOptions, startSim } from '../../src/lab/sim.ts'
import { lookAtCertificate } from '../../src/proxmox/certificate.ts'
import { createProxmoxWriter } from '../../src/proxmox/client.ts'
import { explain, explainLine } from '../../src/proxmox/explain.ts'
import type { ProxmoxWriter } from '../../src/proxmox/port.ts'
import { MemoryLog } from '../fixtures/memory-log.ts'
import { MemoryDrills } from './memory-drills.ts'
import { MemoryIncidents } from './memory-incidents.ts'
import { MemoryOncall } from './memory-oncall.ts'

const catalogue = await loadCatalogue()

/** One machine that may be installed; windows are opened for nobody. */
const installs: Installs = {
  url: 'https://10.0.0.10:8486',
  list: () => [
    {
      name: 'pve4',
      serial: 'CZJ1',
      mac: 'bc:24:11:0a:0b:0c',
      disk: { serial: 'S4EVNF0M1' },
      filesystem: 'ext4',
      settings: { fqdn: 'pve4.lab.test', keyboard: 'es', country: 'ec', timezone: 'America/Guayaquil' },
    },
  ],
  open: async () => {},
  close: async () => {},
}

const people: Person[] = [{ name: 'ana', ids: ['web:ana', 'slack:U1'], language: 'es', tz: 'America/Guayaquil' }]

/** Cards as people would see them: the newest state of each, never one that is older. */
class MemoryOutbox implements Outbox {
  readonly cards = new Map<string, Card>()

  async put(card: Card): Promise<boolean> {
    const before = this.cards.get(card.key)
    if (before && before.order > card.order) return false
    this.cards.set(card.key, card)
    return true
  }
}

class MemoryDesk implements Desk {
  readonly #waiting = new Map<string, Pending>()

  async find(card: string) {
    return this.#waiting.get(card)
  }

  async keep(card: string, pending: Pending, version: number) {
    if ((this.#waiting.get(card)?.version ?? 0) !== version) return false
    this.#waiting.set(card, pending)
    return true
  }

  async take(card: string, version: number) {
    if (this.#waiting.get(card)?.version !== version) return false
    return this.#waiting.delete(card)
  }
}

/** Jobs that a test has put there; asked to stop or run again, they only remember it. */
class MemoryJobs implements Jobs {
  views: JobView[] = []
  readonly asked: string[] = []
  logs: Record<string, string[]> = {}

  async list({ cluster, live, most }: { cluster?: string; live?: boolean; most: number }) {
    return this.views
      .filter((job) => cluster === undefined || job.cluster === cluster)
      .filter((job) => !live || job.endedAt === undefined)
      .slice(0, most)
  }
  async get(id: string) {
    return this.views.find((job) => job.id === id)
  }
  async ofCard() {
    return undefined
  }
  async log(id: string, most: number) {
    return (this.logs[id] ?? []).slice(-most)
  }
  async cancel(id: string, by: Identity) {
    this.asked.push(`cancel ${id} by ${by}`)
    return 'stopping' as const
  }
  async retry(id: string, by: Identity) {
    this.asked.push(`retry ${id} by ${by}`)
    return { id: `${id}-r1` }
  }
}

class MemoryDrafts implements Drafts {
  readonly #kept = new Map<string, Draft>()

  async list() {
    return [...this.#kept.values()]
  }
  async keep(_: string, draft: Draft) {
    this.#kept.set(draft.name, draft)
  }
  async forget(_: string, name: string) {
    this.#kept.delete(name)
  }
}

export type Enqueued = Parameters<Enqueue>[0]

/** The real dispatch and all commands before a simulated cluster; jobs are handed over and not run. */
export class Stage {
  readonly sim: RunningSim
  readonly proxmox: ProxmoxWriter & { close(): Promise<void> }
  readonly jobs = new MemoryJobs()
  readonly drafts = new MemoryDrafts()
  /** A story may name another folder. */
  blueprints = labBlueprints
  readonly enqueued: Enqueued[] = []
  readonly outbox = new MemoryOutbox()
  readonly reported: unknown[] = []
  /** A story may add to them. */
  readonly grants: Grant[] = [
    { role: 'admin', who: ['web:admin'] },
    { role: 'operator', who: ['web:operator', 'ana'] },
    { role: 'viewer', who: ['web:viewer'] },
  ]
  readonly access = new Access(this.grants, people, { groupsOf: async () => [] })
  readonly chain = new Chain(randomBytes(32), 'stage')
  readonly audit = new MemoryLog(this.chain, (identity) => people.find(({ ids }) => ids.includes(identity))?.name)
  readonly trail = new Trail(this.chain, this.audit, () => [])
  readonly oncall = new MemoryOncall()
  /** The tokens that are known to be Quorum's own. */
  own: string[]
  /** Those of the cluster, and what a story adds. */
  readonly hosts: KnownHost[]
  /** What a worker with root's password tells of hosts in no cluster. */
  lone: LoneLook | undefined
  readonly drills = new MemoryDrills()
  readonly incidents = new MemoryIncidents((a, b) => a === b)
  readonly #dispatch: Dispatch
  readonly #languages = new Map<Identity, Language>()
  #events = 0

  private constructor(sim: RunningSim) {
    this.sim = sim
    this.own = [sim.readToken.id, sim.token.id, sim.accessToken.id]
    this.hosts = sim.cluster.nodes.map(({ name }, i) => ({ name, endpoint: sim.endpoints[i]! }))
    this.proxmox = createProxmoxWriter({
      cluster: 'main',
      endpoints: sim.endpoints,
      auth: { token: sim.token },
      tls: { ca: sim.ca },
    })
    this.#dispatch = new Dispatch({
      catalogue,
      access: this.access,
      words,
      clusters: { names: ['main'], get: () => this.proxmox },
      hosts: this.hosts,
      channels: { clusterOf: () => undefined, languageOf: () => undefined, taken: () => undefined, posts: () => [] },
      preferences: {
        language: async (identity) => this.#languages.get(identity),
        setLanguage: async (identity, language) => void this.#languages.set(identity, language),
      },
      jobs: this.jobs,
      enqueue: async (job) => {
        this.enqueued.push(job)
        return { added: true, position: 1 }
      },
      doctor: createDoctor({
        catalogue,
        house: () => ({ file: undefined, clusters: 1, data: { dir: '.' }, key: { kind: 'given' } }),
        redis: { at: undefined, look: () => Promise.reject(new Error('no Redis')) },
        clusters: [this.#watched()],
        chat: { slack: 'off', discord: 'off' },
        now: Date.now,
      }),
      audit: this.audit.append,
      trail: this.trail,
      drafts: this.drafts,
      blueprints: {
        list: () => openBlueprints(this.blueprints).list(),
        read: (name) => openBlueprints(this.blueprints).read(name),
        write: (blueprint) => openBlueprints(this.blueprints).write(blueprint),
      },
      installs,
      explainLine,
      incidents: this.incidents,
      ownTokens: async () => ({
        all: this.own,
        access: sim.accessToken.id,
      }),
      lookAtHosts: async () => this.lone,
      oncall: this.oncall,
      drills: this.drills,
      outbox: this.outbox,
      desk: new MemoryDesk(),
      approvals: (risk) => (risk === 'destroys' ? 1 : 0),
      explain: (error) => explain(error, { cluster: 'main', user: sim.token.id }),
      report: (error) => {
        this.reported.push(error)
        return 'q-1'
      },
      hash: (value) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 12),
      now: Date.now,
      defaultTz: 'UTC',
      decideWithinMs: 60_000,
    })
  }

  #watched(): WatchedCluster {
    const rights = (_: 'read' | 'act', signal: AbortSignal) => lookAtRights(this.proxmox, () => undefined, signal)
    return {
      name: 'main',
      endpoints: this.sim.endpoints,
      isPinned: false,
      certificate: (endpoint) => lookAtCertificate(endpoint, { ca: this.sim.ca }, 3000),
      read: this.proxmox,
      at: () => this.proxmox,
      rights,
      hasRoot: async () => false,
    }
  }

  static async open(options: SimOptions = {}): Promise<Stage> {
    return new Stage(await startSim({ port: 0, seed: 1, speed: 200, ...options }))
  }

  /** As if nobody had ever chosen a language. */
  forgetLanguages(): void {
    this.#languages.clear()
  }

  /** Types a line and returns the card that answers it. */
  async say(line: string, who = 'operator', locale = 'en'): Promise<Message & { key: string; onlyTo?: string }> {
    const before = new Set(this.outbox.cards.keys())
    await this.#dispatch.say({
      event: `e${++this.#events}`,
      identity: `web:${who}`,
      target: 'web:general',
      text: line,
      locales: [locale],
    })
    const card = [...this.outbox.cards.values()].find(({ key }) => !before.has(key))
    if (!card) throw new Error(`nothing was said about: ${line}`)
    return { ...card.message, key: card.key, ...(card.onlyTo === undefined ? {} : { onlyTo: card.onlyTo }) }
  }

  /** Presses a button; returns the card that it stands on, and what was said to the presser alone. */
  async click(card: string, action: ActionId, who = 'operator', values?: Record<string, string>) {
    const before = new Set(this.outbox.cards.keys())
    await this.#dispatch.click({
      event: `e${++this.#events}`,
      identity: `web:${who}`,
      target: 'web:general',
      card,
      action,
      ...(values === undefined ? {} : { values }),
      locales: ['en'],
    })
    const reply = [...this.outbox.cards.values()].find(({ key }) => !before.has(key))
    return { message: this.outbox.cards.get(card)!.message, reply: reply?.message }
  }

  /** Makes a small machine and, if wanted, starts it; resolves when the cluster shows it so. */
  async machine(vmid: number, name: string, options: { node?: string; running?: boolean; config?: object } = {}) {
    const { node = 'pve1', running = false, config = {} } = options
    const disk = { scsi0: 'local-lvm:1', ide2: 'none,media=cdrom', net0: 'virtio,bridge=vmbr0' }
    await this.ended(await this.proxmox.createGuest(node, 'qemu', { vmid, name, memory: 64, ...disk, ...config }))
    if (running) await this.ended(await this.proxmox.guestPower({ node, kind: 'qemu', vmid }, 'start'))
  }

  async ended(upid: string): Promise<void> {
    for (;;) {
      const { exit } = await this.proxmox.task(upid)
      if (exit === 'OK') return
      if (exit !== undefined) throw new Error(`${upid}: ${exit}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async close(): Promise<void> {
    await this.proxmox.close()
    await this.sim.close()
  }
}

export { catalogue, words }

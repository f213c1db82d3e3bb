import type { Incident } from '../../src/core/incidents.ts'
import type { OncallPlan, Window } from '../../src/core/oncall.ts'
import { Secret } from '../../src/core/secret.ts'
import { pass, wantsLook } from '../../src/ha/acts.ts'
import type { ClusterEvent } from '../../src/ha/event.ts'
import { type SeenGuest, take } from '../../src/ha/incident.ts'
import { answeredBy, isQuorate } from '../../src/ha/look.ts'
import type { Memory } from '../../src/ha/memory.ts'
import { type PagerState, pagerDue, pagesDue } from '../../src/ha/paging.ts'
import { isBadNews } from '../../src/ha/sight.ts'
import { emptyTable, TableDraft } from '../../src/ha/table.ts'
import { judge } from '../../src/ha/watch.ts'
import { startSim } from '../../src/lab/sim.ts'
import { createProxmox } from '../../src/proxmox/client.ts'
import { Eyes } from '../../src/proxmox/eyes.ts'
import { Caller } from '../lab-calls.ts'
import type { Figure } from './figures.ts'
import type { Stage } from './stage.ts'

const days = 7
const hour = 3600
/** Seconds between looks: the default beat while something is going on, and a slower one through idle hours. */
const busyBeat = 2
const idleBeat = 60
/** So long after something was begun it is looked at the default beat. */
const restlessFor = 3 * 60

/** What is configured unless somebody says otherwise, with people and a pager to call. */
const plan: OncallPlan = {
  tz: 'UTC',
  rotation: { everyone: ['ana', 'luis'], handoff: { weekday: 1, minute: 540 } },
  policy: {
    critical: [
      { afterMs: 0, notify: ['channel', 'person', 'pager'] },
      { afterMs: 300_000, notify: ['next'] },
    ],
    warning: [{ afterMs: 0, notify: ['channel'] }],
    info: [{ afterMs: 0, notify: ['channel'] }],
  },
}

/** A week of ordinary work on the simulated cluster, every look over HTTPS, time moved by hand: whom would it have woken? */
export async function measure(stage: Stage): Promise<Figure[]> {
  const sim = await startSim({ port: 0, seed: 7, speed: 0 })
  stage.defer(() => sim.close())
  const week = new Week(sim, stage.say)
  stage.defer(async () => week.close())
  await week.furnish()
  for (let day = 0; day < days; day++) await week.day(day)
  return [week.figure()]
}

type Sim = Awaited<ReturnType<typeof startSim>>

class Week {
  readonly #sim: Sim
  readonly #say: (line: string) => void
  readonly #lab: Caller
  readonly #proxmox: ReturnType<typeof createProxmox>
  readonly #eyes: Eyes
  readonly #began: number
  #memory: Memory | undefined
  #lookedAt: number | undefined
  #looks = 0
  #restlessUntil = 0
  #guests: SeenGuest[] = []
  #windows: Window[] = []
  #known = new Map<string, Incident>()
  #pager = new Map<string, PagerState>()
  readonly told = new Map<string, number>()
  readonly pages = new Map<string, string>()
  readonly #done = new Map<string, number>()

  constructor(sim: Sim, say: (line: string) => void) {
    this.#sim = sim
    this.#say = say
    this.#lab = new Caller(sim)
    const token = { id: sim.readToken.id, secret: new Secret(sim.readToken.secret) }
    this.#proxmox = createProxmox({ cluster: 'main', endpoints: sim.endpoints, auth: { token }, tls: { ca: sim.ca } })
    this.#eyes = new Eyes({
      proxmox: this.#proxmox,
      isBadNews: (look) => isBadNews(this.#memory, look),
      answeredBy,
      isQuorate,
      onError: () => {},
    })
    this.#began = sim.cluster.clock.now()
  }

  async close(): Promise<void> {
    this.#lab.player.close()
    await this.#proxmox.close()
  }

  /** Six machines, four of them under HA, all running. */
  async furnish(): Promise<void> {
    for (let i = 0; i < 6; i++) {
      const node = `pve${(i % 3) + 1}`
      await this.#run(`/nodes/${node}/qemu`, { vmid: 100 + i, name: `vm${i}`, scsi0: 'Storage:8', memory: 1024 })
      if (i >= 4) await this.#run(`/nodes/${node}/qemu/${100 + i}/status/start`)
      else await this.#ask('/cluster/ha/resources', { sid: `vm:${100 + i}`, state: 'started' })
    }
    await this.#pass(300)
  }

  async day(day: number): Promise<void> {
    const start = this.#sim.cluster.clock.now()
    const until = (hours: number) => this.#pass(Math.max(0, start + hours * hour - this.#sim.cluster.clock.now()))
    await until(2)
    for (const node of ['pve1', 'pve2', 'pve3']) await this.#backUp(node)
    await until(10)
    if (day === 5) await this.#update()
    await until(11)
    await this.#migrate(day)
    await until(15)
    await this.#migrate(day)
    await this.#work(104 + (day % 2))
    await until(22)
    if (day > 0 && day < 4) await this.#reboot(`pve${day}`, day)
    if (day === 4) for (const node of ['pve1', 'pve2', 'pve3']) await this.#reboot(node, day)
    await until(24)
    this.#say(
      `day ${day + 1}: ${this.#looks} looks, ${[...this.told.values()].reduce((a, b) => a + b, 0)} events, ${this.pages.size} pages`,
    )
  }

  async #backUp(node: string): Promise<void> {
    this.#count('backups')
    await this.#run(`/nodes/${node}/vzdump`, { all: 1, storage: 'NASAccess', mode: 'snapshot' })
    await this.#pass(120)
  }

  /** Machines under HA by the manager, the others by hand. */
  async #migrate(day: number): Promise<void> {
    this.#count('migrations', 2)
    const vmid = 104 + (day % 2)
    const at = (id: number) => this.#guests.find(({ guest }) => guest === `vm:${id}`)!.node
    const other = (node: string) => (node === 'pve1' ? 'pve2' : 'pve1')
    const here = at(vmid)
    await this.#run(`/nodes/${here}/qemu/${vmid}/migrate`, { target: other(here), online: 1 })
    const ha = 100 + (day % 4)
    await this.#ask(`/cluster/ha/resources/vm:${ha}/migrate`, { node: other(at(ha)) })
    await this.#pass(240)
  }

  /** What people do all day. */
  async #work(vmid: number): Promise<void> {
    this.#count('shutdowns and starts', 2)
    const path = () => `/nodes/${this.#guests.find(({ guest }) => guest === `vm:${vmid}`)!.node}/qemu/${vmid}`
    await this.#run(`${path()}/status/shutdown`, { timeout: 60, forceStop: 1 })
    await this.#pass(60)
    await this.#run(`${path()}/status/start`)
  }

  async #reboot(node: string, day: number): Promise<void> {
    this.#count('reboots')
    const from = this.#sim.cluster.clock.now() * 1000
    const window = { id: `w-${day}-${node}`, cluster: 'main', node, why: 'kernel', by: 'web:ana' }
    this.#windows.push({ ...window, from, until: from + 1800_000 })
    await this.#ask(`/nodes/${node}/status`, { command: 'reboot' })
    await this.#pass(1900)
  }

  /** As a package update does, node by node: the agents, the manager and the API are started anew. */
  async #update(): Promise<void> {
    for (const node of ['pve1', 'pve2', 'pve3']) {
      this.#count('updates')
      for (const unit of ['pve-ha-lrm', 'pve-ha-crm', 'pvestatd', 'pveproxy']) {
        await this.#run(`/nodes/${node}/services/${unit}/restart`)
        await this.#pass(10)
      }
      await this.#pass(300)
    }
  }

  #count(what: string, by = 1): void {
    this.#done.set(what, (this.#done.get(what) ?? 0) + by)
    this.#restlessUntil = this.#sim.cluster.clock.now() + restlessFor
  }

  async #ask(path: string, params: Record<string, unknown>): Promise<void> {
    const { status, reason, errors } = await this.#lab.call('POST', path, params)
    if (status !== 200) throw new Error(`POST ${path}: ${reason} ${JSON.stringify(errors ?? {})}`)
  }

  async #run(path: string, params: Record<string, unknown> = {}): Promise<void> {
    this.#restlessUntil = this.#sim.cluster.clock.now() + restlessFor
    const task = await this.#lab.begin('POST', path, params)
    for (let i = 0; task.endtime === undefined && i < 1800; i++) await this.#pass(busyBeat)
    if (task.exitstatus !== 'OK') throw new Error(`${path} ended ${task.exitstatus ?? 'never'}`)
  }

  /** Lets so many seconds pass, looking on the way. */
  async #pass(seconds: number): Promise<void> {
    const { clock } = this.#sim.cluster
    const end = clock.now() + seconds
    while (clock.now() < end - 0.001) {
      const beat = clock.now() < this.#restlessUntil ? busyBeat : idleBeat
      await clock.advance(Math.min(beat, end - clock.now()))
      await this.#look()
    }
  }

  async #look(): Promise<void> {
    const now = Math.round(this.#sim.cluster.clock.now() * 1000)
    const steady = now - Math.round(this.#began * 1000)
    const gap = this.#lookedAt === undefined ? busyBeat * 1000 : now - this.#lookedAt
    this.#lookedAt = now
    this.#looks += 1
    const look = await this.#eyes.look({ at: now, steady, gap })
    const { memory, events, view } = judge('main', this.#memory, look)
    this.#memory = memory
    if (look.resources) this.#seen(look.resources.guests)
    this.#take(events, now)
    const at = new Date(now).toISOString()
    for (const [id, incident] of this.#known) {
      const guests = wantsLook(incident) ? this.#guests : undefined
      const sight = view.state === 'fresh' ? { now, seenAt: at, guests } : { now, staleSince: view.since }
      this.#known.set(id, pass(incident, { ...sight, windows: this.#windows }))
    }
    this.#page(now)
  }

  #seen(guests: readonly { vmid: number; node: string; status: string }[]): void {
    const services = new TableDraft(this.#memory?.services ?? emptyTable)
    this.#guests = guests.map(({ vmid, node, status }) => {
      const haState = services.get(`vm:${vmid}`)?.state
      const running = status === 'unknown' ? undefined : status === 'running'
      return { guest: `vm:${vmid}`, name: `vm${vmid - 100}`, node, running, ...(haState ? { haState } : {}) }
    })
  }

  #take(events: readonly ClusterEvent[], now: number): void {
    if (events.length === 0) return
    for (const { kind } of events) this.told.set(kind, (this.told.get(kind) ?? 0) + 1)
    const name = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('hex').slice(-16)
    const context = { now, severities: {}, guests: this.#guests, windows: this.#windows, name }
    for (const one of take([...this.#known.values()], events, context)) this.#known.set(one.id, one)
  }

  #page(now: number): void {
    const context = { now, plan, swaps: [], windows: this.#windows }
    for (const incident of this.#known.values()) {
      const why = `${incident.severity} ${incident.kind} ${incident.subject}: ${incident.troubles.map(({ key, kind }) => `${kind} ${key}`).join(', ')}`
      for (const { id } of pagesDue(incident, context)) this.pages.set(id, why)
      const due = pagerDue(incident, this.#pager.get(incident.id), context)
      if (due?.action === 'trigger') this.pages.set(`${incident.id}.pager.${due.leaves.alerts}`, why)
      if (due) this.#pager.set(incident.id, due.leaves)
    }
  }

  figure(): Figure {
    const loud = [...this.#known.values()].filter(({ quiet }) => !quiet)
    return {
      name: 'seven days',
      what: `pages sent in ${days} simulated days of ordinary work, each look over HTTPS`,
      unit: 'pages',
      samples: this.#looks,
      measured: { pages: this.pages.size, incidents: loud.length },
      floor: { pages: 0 },
      target: 'no page',
      holds: this.pages.size === 0,
      details: {
        done: Object.fromEntries(this.#done),
        told: Object.fromEntries(this.told),
        incidents: loud.map(
          ({ severity, kind, subject, state, announced }) =>
            `${severity} ${kind} ${subject}: ${state}${announced ? ' (announced)' : ''}`,
        ),
        pages: Object.fromEntries(this.pages),
      },
    }
  }
}

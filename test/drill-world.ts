import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import type { Message } from '../src/core/message.ts'
import { type Chat, Crew, type Listed, until } from './crew.ts'
import { Caller } from './lab-calls.ts'

/** The seed: vm 100 under grupoHA on pve1, its disk on shared storage; a hand at each node's plug. */
export class DrillWorld {
  readonly crew: Crew
  readonly more: object
  /** What the power device was told, and whether it obeys. */
  readonly device = { isDeaf: false, told: [] as string[] }
  chat!: Chat
  readonly #server: Server

  private constructor(crew: Crew, server: Server, more: object) {
    this.crew = crew
    this.#server = server
    this.more = more
  }

  static async start(options: object = {}): Promise<DrillWorld> {
    const crew = await Crew.start({ seed: 7, speed: 0 })
    const { clock, nodes } = crew.sim.cluster
    const made = await new Caller(crew.sim).begin('POST', '/nodes/pve1/qemu', {
      vmid: 100,
      name: 'Win11',
      scsi0: 'Storage:8',
      agent: 1,
    })
    await clock.advance(22)
    expect(made.exitstatus).toBe('OK')
    const { ha } = nodes[0]!.config
    ha.resources.set('vm:100', { sid: 'vm:100', type: 'vm', keys: { state: 'started' } })
    const keys = { resources: 'vm:100', nodes: 'pve1:3,pve2:2,pve3:1' }
    ha.rules.set('grupoHA', { rule: 'grupoHA', type: 'node-affinity', order: 1, keys })
    await clock.advance(60)
    crew.isLab = true
    const wakeonlan = '02:00:00:00:00:02'
    Object.assign(nodes[1]!, { wakeonlan })
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const device = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const tokens = { read: crew.sim.readToken, act: crew.sim.token }
    const tls = { ca: `${crew.folder}/ca.pem` }
    const more = {
      clusters: [{ name: 'main', endpoints: crew.sim.endpoints, tokens, tls, poll: '250ms' }],
      // A device, a magic packet, and the lab's own hand.
      power: { pve1: { webhook: `${device}/pve1` }, pve2: { mac: wakeonlan } },
      probes: { 'vm:106': { tcp: '192.0.2.1:9' } },
      channels: [{ cluster: 'main', post: ['web:ops'] }],
      ...options,
    }
    const world = new DrillWorld(crew, server, more)
    server.on('request', (request, response) => {
      const name = request.url!.slice(1)
      let body = ''
      request.on('data', (part) => {
        body += part
      })
      request.on('end', () => {
        world.device.told.push(`${name} ${body}`)
        if (world.device.isDeaf && body.includes('on')) return void response.writeHead(500).end()
        const headers = { 'content-type': 'application/json' }
        fetch(`${crew.sim.control}/api/lab/nodes/${name}`, { method: 'POST', headers, body }).then(
          ({ status }) => response.writeHead(status).end(),
          () => response.writeHead(502).end(),
        )
      })
    })
    return world
  }

  async close(): Promise<void> {
    await this.crew?.close()
    this.#server?.close()
  }

  node(name: string) {
    return this.crew.sim.cluster.nodes.find((one) => one.name === name)!
  }

  /** Typed, confirmed by who asked, approved by another. */
  async ordered(line: string, language?: string): Promise<string> {
    const before = (await this.chat.messages('ops')).at(-1)?.seq ?? 0
    await this.chat.say('operator', line, 'ops', language)
    const asked = await this.chat.card(
      ({ state }, { seq }) => seq > before && (state === 'waiting' || state === 'refused'),
      line,
      'ops',
    )
    expect(asked.message.error).toBeUndefined()
    let clicked = 0
    await until(async () => {
      const { message, revision } = (await this.chat.messages('ops')).find(({ id }) => id === asked.id)!
      if (message.job !== undefined) return true
      // An incident that closes meanwhile, even after the approval, changes the plan: all is asked again.
      const open = [['confirm', 'operator'] as const, ['approve', 'admin'] as const].find(([one]) =>
        hasAction(message, one),
      )
      if (open && revision > clicked) {
        clicked = revision
        await this.chat.click(open[1], asked.id, open[0])
      }
      return false
    }, 'the approved job')
    return asked.id
  }

  /** A machine that HA knows nothing of, its disk on its node's own storage. */
  async lone(vmid: number, name: string): Promise<void> {
    const { config, processes } = this.node('pve1')
    const { clock } = this.crew.sim.cluster
    const caller = new Caller(this.crew.sim)
    await caller.begin('POST', '/nodes/pve1/qemu', { vmid, name, scsi0: 'local-lvm:1' })
    const { speed } = clock
    clock.setSpeed(0)
    for (let i = 0; i < 30 && config.guests.get(vmid)?.keys.lock !== undefined; i++) await clock.advance(2)
    await clock.advance(20)
    await caller.begin('POST', `/nodes/pve1/qemu/${vmid}/status/start`, {})
    await clock.advance(20)
    clock.setSpeed(speed)
    expect(processes.has(vmid)).toBe(true)
  }

  forget(vmid: number): void {
    this.node('pve1').processes.delete(vmid)
    this.node('pve1').config.guests.delete(vmid)
  }

  /** What is said to a line that is not run. */
  async said(
    line: string,
    fits: (message: Message) => boolean,
    user = 'operator',
    language?: string,
  ): Promise<Message> {
    const before = (await this.chat.messages('ops')).at(-1)?.seq ?? 0
    await this.chat.say(user, line, 'ops', language)
    return (await this.chat.card((message, { seq }) => seq > before && fits(message), line, 'ops')).message
  }

  async ended(card: string): Promise<Listed> {
    const isEnd = ({ state, job }: Message, { id }: Listed) =>
      id === card && job !== undefined && /^(ok|warning|failed)$/.test(state)
    return this.chat.card(isEnd, 'the end', 'ops', 100_000)
  }

  /** The lines in the thread of a card. */
  async thread(card: string): Promise<Message[]> {
    return (await this.chat.messages('ops')).filter(({ threadId }) => threadId === card).map(({ message }) => message)
  }

  /** When vm 100 runs, and where, as the simulator itself knows it; seconds. */
  truth() {
    const { clock, nodes } = this.crew.sim.cluster
    const moments: { at: number; node: string | undefined }[] = []
    const look = () => {
      const node = nodes.find(({ processes }) => processes.has(100))?.name
      if (moments.at(-1)?.node !== node || moments.length === 0) moments.push({ at: clock.now(), node })
      clock.after(0.5, look)
    }
    look()
    return moments
  }

  /** All as it was, and the agent of pve1 at work: it waits two minutes for its lock after a boot. */
  async steady(): Promise<void> {
    const { clock, nodes } = this.crew.sim.cluster
    const { ha } = nodes[1]!.config
    const isSo = () => {
      const isHome = nodes.every(({ power, member }) => power === 'on' && member) && nodes[0]!.processes.has(100)
      const service = ha.manager.service_status?.['vm:100']
      return isHome && ha.lrm.get('pve1')?.state === 'active' && service?.state === 'started' && service.running === 1
    }
    const { speed } = clock
    clock.setSpeed(0)
    for (let i = 0; i < 120 && !isSo(); i++) await clock.advance(10)
    expect(isSo(), 'the cluster as it was').toBe(true)
    clock.setSpeed(speed)
    await until(async () => (await this.chat.messages('ops')).length >= 0, 'the chat')
  }
}

export const hasAction = (message: Message, action: string) => message.actions?.some(({ id }) => id === action) === true

/** From when the machine stopped until it ran elsewhere. */
export function downTruth(moments: ReturnType<DrillWorld['truth']>): number {
  const down = moments.findIndex(({ node }) => node === undefined)
  return moments[down + 1]!.at - moments[down]!.at
}

const secondsIn = (text: string) =>
  [...text.matchAll(/(\d+) (min|s)/g)].reduce((all, [, n, unit]) => all + Number(n) * (unit === 's' ? 1 : 60), 0)

/** `1 min 19 s ± 2 s` → 79. */
export const secondsOf = (text: string) => secondsIn(text.split('±')[0]!)

/** How far a measured down-time is from the truth, beyond what it says itself that it may be; two for what is rounded. */
export function beyondItsWord(text: string, moments: ReturnType<DrillWorld['truth']>): number {
  const [measured, slack] = text.split('±').map(secondsIn)
  return Math.max(0, Math.abs(measured! - downTruth(moments)) - slack! - 2)
}

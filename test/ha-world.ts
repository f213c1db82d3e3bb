/**
 * The world in which the recorded HA scenarios happened: a few nodes, a common clock, and time that moves in rounds of
 * twenty seconds in which each daemon of each node has one turn of a second. Everything else is the engine of src/lab/ha.
 */
import { type Crm, createCrm } from '../src/lab/ha/crm.ts'
import type { GuestAction, HaEnvironment, ShutdownPolicy } from '../src/lab/ha/environment.ts'
import { createLocks } from '../src/lab/ha/locks.ts'
import { createLrm, type Leave, type Lrm } from '../src/lab/ha/lrm.ts'
import type { HaConfig } from '../src/lab/model.ts'

const ROUND = 20
const WATCHDOG = 60

interface WorldNode {
  name: string
  on: boolean
  connected: boolean
  crm?: Crm
  lrm?: Lrm
  watchdog: Map<string, number>
  /** /etc/pve/ha as it was when the node lost its quorum. */
  frozen?: HaConfig
  goesDown?: 'shutdown' | 'reboot'
  /** The agent has ended; the rest follows a round later. */
  left: boolean
}

export interface WorldGuest {
  node: string
  running: boolean
  lock?: string
}

export interface Command {
  t: number
  words: string[]
}

export interface Start {
  /** With whether it is there from the beginning, although nothing runs on it. */
  nodes: Map<string, boolean>
  config: HaConfig
  guests: Map<string, WorldGuest>
  shutdownPolicy: ShutdownPolicy
}

export class World {
  now = 0
  readonly config: HaConfig
  private readonly nodes: WorldNode[]
  private readonly guests: Map<string, WorldGuest>
  private readonly locks = createLocks()
  private readonly policy: ShutdownPolicy
  /** How often an agent's action has failed so far. */
  private readonly failures = new Map<string, number>()
  private uids = 0

  constructor(start: Start) {
    this.config = start.config
    this.guests = start.guests
    this.policy = start.shutdownPolicy
    this.nodes = [...start.nodes].map(([name, on]) => ({ name, on, connected: true, watchdog: new Map(), left: false }))
  }

  /** Plays until `end`; `looked` is called after each turn. */
  async play(commands: Command[], end: number, looked: () => void) {
    for (let start = 0; start <= end; start += ROUND) {
      this.now = start
      for (const { words } of commands.filter(({ t }) => t >= start && t < start + ROUND)) {
        this.obey(words)
        looked()
      }
      for (const node of this.nodes) await this.turn(node, looked)
    }
  }

  private async turn(node: WorldNode, looked: () => void) {
    if (node.left) this.finishShutdown(node)
    for (const daemon of [node.crm, node.lrm]) {
      if (!daemon || !node.on) continue
      if ((await this.round(node, daemon)) === false) this.leftBy(node)
      looked()
      this.now += 1
      for (const other of this.nodes) if (this.isOver(other)) this.powerOff(other)
    }
  }

  /** Agents of the recorded world wait within their turn until their workers are done. */
  private async round(node: WorldNode, daemon: Crm | Lrm) {
    const goesOn = daemon.round()
    await new Promise((resolve) => setImmediate(resolve))
    return daemon === node.lrm && node.goesDown !== undefined && goesOn !== false ? node.lrm.round() : goesOn
  }

  private leftBy(node: WorldNode) {
    delete node.lrm
    if (node.goesDown === undefined) node.lrm = createLrm(this.environment(node))
    else {
      node.crm?.stop()
      delete node.crm
      node.left = true
    }
  }

  private finishShutdown(node: WorldNode) {
    const { goesDown } = node
    this.powerOff(node)
    if (goesDown === 'reboot') this.powerOn(node)
  }

  private isOver(node: WorldNode) {
    return node.on && [...node.watchdog.values()].some((at) => this.now - at > WATCHDOG)
  }

  private powerOn(node: WorldNode) {
    if (node.crm) return
    node.on = true
    node.connected = true
    node.crm = createCrm(this.environment(node))
    node.lrm = createLrm(this.environment(node))
  }

  private powerOff(node: WorldNode) {
    node.on = false
    delete node.crm
    delete node.lrm
    delete node.frozen
    delete node.goesDown
    node.left = false
    node.watchdog.clear()
    for (const guest of this.guests.values()) if (guest.node === node.name) guest.running = false
  }

  private obey([what = '', name = '', ...rest]: string[]) {
    const node = this.nodes.find((one) => one.name === name)
    if (what === 'service') return this.service(name, rest)
    if (!node) throw new Error(`no node ${name}`)
    if (what === 'power') return rest[0] === 'on' ? this.powerOn(node) : this.powerOff(node)
    if (what === 'network') return this.connect(node, rest[0] === 'on')
    if (what === 'shutdown' || what === 'reboot') return this.leave(node, what)
    if (what === 'restart-lrm') return this.leave(node, 'restart')
    if (what === 'crm' && rest[0] === 'stop') {
      node.crm?.stop()
      delete node.crm
      return
    }
    if (what === 'crm')
      return void this.config.commands.push([rest[0], ...(rest[1] ? rest.slice(1) : [name])].join(' '))
    if (what === 'pve-manager-version' || what === 'cfs') return
    throw new Error(`unknown command ${what}`)
  }

  private leave(node: WorldNode, how: Leave) {
    if (how !== 'restart') node.goesDown = how
    node.lrm?.leave(how)
  }

  private connect(node: WorldNode, connected: boolean) {
    node.connected = connected
    if (connected) delete node.frozen
    else node.frozen = structuredClone(this.config)
  }

  private service(sid: string, [verb = '', argument = '', state = '']: string[]) {
    const resource = this.config.resources.get(sid)
    if (verb === 'delete') return void this.config.resources.delete(sid)
    if (verb === 'add') {
      this.guests.set(sid, { node: argument, running: false })
      return void this.config.resources.set(sid, { sid, type: 'vm', keys: { state } })
    }
    if (verb === 'manual-migrate') {
      const guest = this.guests.get(sid)
      if (guest) Object.assign(guest, { node: argument, running: false })
      return
    }
    if (verb === 'migrate' || verb === 'relocate' || verb === 'stop') {
      return void this.config.commands.push(`${verb} ${sid} ${argument}`)
    }
    if (resource) resource.keys.state = verb
  }

  private inTouch(node: WorldNode) {
    return node.on && node.connected
  }

  private quorate(node: WorldNode) {
    const present = this.nodes.filter((other) => this.inTouch(other)).length
    return this.inTouch(node) && present > this.nodes.length / 2
  }

  private environment(node: WorldNode): HaEnvironment {
    const take = (name: string) => this.quorate(node) && this.locks.take(name, node.name, this.now)
    const here = (sid: string) => this.guests.get(sid)
    return {
      node: node.name,
      now: () => this.now,
      config: () => node.frozen ?? this.config,
      settings: () => ({ shutdownPolicy: this.policy, rebalanceOnStart: false }),
      quorate: () => this.quorate(node),
      members: () => new Map(this.nodes.map((other) => [other.name, this.inTouch(other)])),
      takeManagerLock: () => take('manager'),
      releaseManagerLock: () => this.locks.release('manager', node.name),
      takeAgentLock: (name) => take(name),
      releaseAgentLock: () => this.locks.release(node.name, node.name),
      touchWatchdog: (daemon) => void node.watchdog.set(daemon, this.now),
      closeWatchdog: (daemon) => void node.watchdog.delete(daemon),
      guest(sid) {
        const guest = here(sid)
        if (!guest) return undefined
        const { lock } = guest
        const type = sid.startsWith('vm:') ? 'qemu' : 'lxc'
        return { node: guest.node, type, ...(lock === undefined ? {} : { lock }) }
      },
      steal: (sid, target) => void Object.assign(here(sid) ?? {}, { node: target, running: false }),
      unlock: (sid) => void delete here(sid)?.lock,
      isRunning: (sid) => here(sid)?.node === node.name && here(sid)?.running === true,
      act: async (sid, action) => this.act(sid, action),
      notify: () => {},
      log: () => {},
      uid: () => String(++this.uids),
    }
  }

  private act(sid: string, action: GuestAction): boolean {
    const guest = this.guests.get(sid)
    if (!guest || guest.lock !== undefined || this.fails(sid, action)) return false
    if (action.do === 'migrate') guest.node = action.target
    guest.running = action.do === 'start'
    return true
  }

  /**
   * The scenarios' guests of the made-up type `fa` fail on purpose. The digits of their ids after the first say how:
   * so many failed starts before one works, so many failed moves, whether a stop fails, and the last of six the only
   * node on which all this happens.
   */
  private fails(sid: string, action: GuestAction): boolean {
    if (!sid.startsWith('fa:')) return false
    const [starts = 0, moves = 0, stops = 0, _, only] = [...sid.slice('fa:'.length + 1)].map(Number)
    if (only !== undefined && this.guests.get(sid)?.node !== `node${only}`) return false
    if (action.do === 'stop') return stops > 0
    const key = `${sid} ${action.do}`
    const failed = this.failures.get(key) ?? 0
    const fails = failed < (action.do === 'start' ? starts : moves)
    this.failures.set(key, fails ? failed + 1 : 0)
    return fails
  }
}

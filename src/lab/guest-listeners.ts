/** What a guest's users would connect to: one listener on loopback for each guest that somebody asks about. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isRunning, type SimCluster } from './model.ts'
import { standsStill } from './standstill.ts'

/** Seconds from QEMU's start until what runs inside answers. */
const bootSeconds = 3
const lookEveryMs = 50

interface Listener {
  vmid: number
  port: number
  server: Server
  isOpen: boolean
}

/** A listener takes connections while its guest is really up, and refuses them while it is not. */
export class GuestListeners {
  readonly #sim: SimCluster
  readonly #all = new Map<number, Listener>()
  #timer: NodeJS.Timeout | undefined

  constructor(sim: SimCluster) {
    this.#sim = sim
  }

  /** Its port; undefined: there is no such guest. */
  async of(vmid: number): Promise<number | undefined> {
    const known = this.#all.get(vmid)
    if (known) return known.port
    if (!this.#sim.nodes.some(({ config }) => config.guests.has(vmid))) return undefined
    const server = createServer((_, response) => response.end(`${vmid}\n`))
    server.on('error', () => {})
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const listener = { vmid, port: (server.address() as AddressInfo).port, server, isOpen: true }
    this.#all.set(vmid, listener)
    this.#follow(listener)
    this.#timer ??= setInterval(() => {
      for (const one of this.#all.values()) this.#follow(one)
    }, lookEveryMs).unref()
    return listener.port
  }

  #follow(listener: Listener): void {
    const isUp = this.#isUp(listener.vmid)
    if (isUp === listener.isOpen) return
    listener.isOpen = isUp
    if (isUp) return void listener.server.listen(listener.port, '127.0.0.1')
    listener.server.close()
    listener.server.closeAllConnections()
  }

  #isUp(vmid: number): boolean {
    const { nodes, clock } = this.#sim
    // On its way it is on two nodes, and runs on one.
    return nodes.some((node) => {
      const process = node.processes.get(vmid)
      if (!process || !isRunning(node) || node.network !== 'up' || process.qmpstatus !== 'running') return false
      return clock.now() >= process.startedAt + bootSeconds && !standsStill({ sim: this.#sim, node }, process)
    })
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { server } of this.#all.values()) {
      server.close()
      server.closeAllConnections()
    }
    this.#all.clear()
  }
}

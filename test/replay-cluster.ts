import type { ServerResponse } from 'node:http'
import type { Frame } from './ha-scenarios.ts'
import { type Authority, createAuthority, type Hit, json, startNode, type TestNode } from './proxmox-server.ts'

/** Nodes over HTTPS that answer what was recorded: the ones with quorum the same, one that is cut off its frozen view. */
export class ReplayCluster {
  readonly authority: Authority
  readonly #servers: TestNode[]
  #frame: Frame | undefined
  #names: string[] = []
  /** What each node knew while it still had quorum. */
  #frozen = new Map<string, Frame>()
  /** Paths that were asked, since it was last emptied. */
  readonly asked: string[] = []
  /** Spoils what one node answers to a path. */
  spoil: ((node: string, path: string, response: ServerResponse) => boolean) | undefined

  private constructor(authority: Authority, servers: TestNode[]) {
    this.authority = authority
    this.#servers = servers
    for (const [i, server] of servers.entries()) {
      server.answer((hit, response) => this.#answer(this.#names[i] ?? '', hit, response))
    }
  }

  static async start(nodes: number): Promise<ReplayCluster> {
    const authority = await createAuthority()
    return new ReplayCluster(authority, await Promise.all(Array.from({ length: nodes }, () => startNode(authority))))
  }

  get urls(): string[] {
    return this.#servers.map(({ url }) => url)
  }

  /** Begins another recording, with these nodes. */
  begin(names: string[]): void {
    if (names.length > this.#servers.length) throw new Error(`${names.length} nodes need as many servers`)
    this.#names = names
    this.#frozen = new Map()
    this.#frame = undefined
  }

  show(frame: Frame): void {
    this.#frame = frame
    for (const name of this.#names) if (frame.nodes[name] === 'online' && frame.manager) this.#frozen.set(name, frame)
  }

  async close(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.close()))
  }

  #answer(node: string, hit: Hit, response: ServerResponse): void {
    const path = hit.url.replace('/api2/json', '').replace(/\?.*$/, '')
    this.asked.push(path)
    const frame = this.#frame
    const state = frame?.nodes[node]
    if (!frame?.ha || state === undefined || state === 'offline') return void hit.socket.destroy()
    if (this.spoil?.(node, path, response)) return
    const data = answerOf(
      state === 'online' ? seenFrom(frame, node) : cutOff(frame, this.#frozen.get(node), node),
      path,
    )
    if (data !== undefined) json(response, 200, { data })
    else json(response, 501, { data: null, message: `Method 'GET ${path}' not implemented` })
  }
}

function answerOf(frame: Frame, path: string): unknown {
  if (path === '/cluster/ha/status/current') return frame.ha
  if (path === '/cluster/ha/status/manager_status') return frame.manager
  if (path === '/cluster/status') return frame.status
  if (path === '/cluster/resources') return frame.resources
  if (path === '/cluster/tasks') return frame.tasks
  if (path === '/cluster/config/qdevice') return {}
  if (path === '/cluster/config/nodes')
    return frame.status?.flatMap(({ type, name }) => (type === 'node' ? [{ node: name, name, quorum_votes: '1' }] : []))
  if (/^\/nodes\/[^/]+\/replication$/.test(path)) return []
  return undefined
}

/** Every node with quorum answers the same, but for who it is. */
function seenFrom(frame: Frame, node: string): Frame {
  const quorate = Number(
    (frame.ha?.find(({ type }) => type === 'quorum') as { quorate?: number } | undefined)?.quorate ?? 0,
  )
  return {
    ...frame,
    ha: frame.ha!.map((entry) => (entry.type === 'quorum' ? { ...entry, node } : entry)),
    manager: { ...frame.manager, quorum: { node, quorate } },
    status: frame.status!.map((row) => (row.type === 'node' ? { ...row, local: row.name === node ? 1 : 0 } : row)),
  }
}

/** 200, and what it last knew: its guests as they were, itself online and all others gone. */
function cutOff(frame: Frame, frozen: Frame | undefined, node: string): Frame {
  const known = frozen ?? frame
  return {
    ...known,
    ha:
      frame.isolated?.[node] ??
      known.ha!.map((entry) => (entry.type === 'quorum' ? { ...entry, node, quorate: 0 } : entry)),
    manager: { ...known.manager, quorum: { node, quorate: 0 } },
    status: known.status!.map((row) => {
      if (row.type === 'cluster') return { ...row, quorate: 0 }
      const own = row.name === node ? 1 : 0
      return { ...row, local: own, online: own }
    }),
  }
}

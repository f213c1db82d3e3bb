import { Draft } from './draft.ts'
import { isWorking, type Look } from './look.ts'
import type { Memory, NodeMemory } from './memory.ts'
import type { Telling } from './telling.ts'

/** An LRM in one of these was told to go: what follows is no crash. */
const leaving = new Set(['shutdown', 'restart', 'maintenance'])
/** Corosync takes this long to miss a node. */
const tokenMs = 4_000

/**
 * Nodes come and go as corosync and the HA manager see it, whichever is first to miss one and the later to welcome it;
 * fencing and maintenance are the manager's alone. `ha` undefined: its opinion is not to be believed now.
 */
export function seeNodes(
  memory: Memory,
  look: Look,
  ha: Readonly<Record<string, string>> | undefined,
  telling: Telling,
): Draft<NodeMemory> {
  const nodes = new Draft(memory.nodes)
  const members = look.status?.members
  if (!members) return nodes
  const names = new Set(members.map(({ name }) => name))
  nodes.keep((name) => names.has(name))
  for (const { name, online } of members) {
    const was = nodes.get(name)
    // Of an answer that is only missing this once, the last one holds.
    const opinion = ha ? ha[name] : look.manager ? undefined : was?.ha
    const up = online && opinion !== 'unknown' && opinion !== 'fence' && opinion !== 'gone'
    const mode = look.manager?.lrms[name]?.mode ?? was?.mode
    const state = { ...(ha ? { ha: opinion } : {}), ...(mode === undefined ? {} : { mode }) }
    if (!was) {
      // A node that HA misses has been here before; one that is only joining, or starting with the whole cluster, has not.
      const met = up || (isWorking(look) && opinion !== undefined && opinion !== 'online')
      nodes.set(name, { up, met, since: look.steady, ...state } as NodeMemory)
      continue
    }
    const now = { ...was, ...state } as NodeMemory
    if (was.up !== up) turned(name, was, now, up, look, telling)
    if (opinion !== undefined && was.ha !== undefined) tellOpinion(name, was, now, telling)
    nodes.set(name, now)
  }
  return nodes
}

function turned(name: string, was: NodeMemory, now: NodeMemory, up: boolean, look: Look, telling: Telling): void {
  now.up = up
  now.since = look.steady
  if (up) {
    for (const key of ['lostAt', 'lostWithin', 'planned', 'fenced', 'lrmSince', 'lrmTold'] as const) delete now[key]
    if (was.met) telling.tell('node.back', name, { node: name })
    now.met = true
    return
  }
  now.lostAt = telling.now
  now.lostWithin = look.gap + tokenMs
  if (now.mode !== undefined && leaving.has(now.mode)) now.planned = true
  const values = now.mode === undefined || now.mode === 'active' ? {} : { values: { mode: now.mode } }
  telling.tell('node.lost', name, { node: name, ...plannedOf(now), ...values })
}

function tellOpinion(name: string, was: NodeMemory, now: NodeMemory, telling: Telling): void {
  if (was.ha === now.ha) return
  if (was.ha === 'fence') {
    now.met = true
    tellFenced(name, now, telling)
  }
  if (now.ha === 'fence') {
    now.fenced = true
    telling.tell('node.fencing', name, { node: name, ...plannedOf(now) }, telling.round)
  }
  if (now.ha === 'maintenance') telling.tell('maintenance.on', name, { node: name }, telling.round)
  if (was.ha === 'maintenance' && now.ha === 'online') {
    telling.tell('maintenance.off', name, { node: name }, telling.round)
  }
}

const tellFenced = (name: string, node: NodeMemory, telling: Telling) =>
  telling.tell('node.fenced', name, { node: name, ...plannedOf(node) }, telling.round)

/**
 * A guest was recovered from this node, which only fencing allows: where the node's lock was free, the manager goes
 * through it within one round and nothing is to be seen of it.
 */
export function inferFencing(name: string, nodes: Draft<NodeMemory>, telling: Telling): void {
  const node = nodes.get(name)
  if (!node || node.fenced) return
  nodes.set(name, { ...node, fenced: true })
  const more = { node: name, ...plannedOf(node), values: { inferred: 1 } }
  telling.tell('node.fencing', name, more, telling.round)
  telling.tell('node.fenced', name, more, telling.round)
}

export const plannedOf = (node: Pick<NodeMemory, 'planned'> | undefined): { planned?: true } =>
  node?.planned ? { planned: true } : {}

/** The manager's opinion of each node: `online maintenance unknown fence gone`. */
import type { HaEnvironment } from './environment.ts'

/** Seconds that a node may be away before its services are fenced. */
export const FENCE_DELAY = 60
/** Seconds after which a node that left the cluster is forgotten. */
const FORGET_AFTER = 3600

export interface NodeStatus {
  state(node: string): string | undefined
  isOnline(node: string): boolean
  /** Online nodes, sorted. */
  online(): string[]
  /** Away for longer than the fence delay. */
  isLost(node: string): boolean
  /** One look at the cluster; `modes` are the last known modes of the nodes' agents. */
  update(members: Map<string, boolean>, modes: Map<string, string>): void
  /** Demands that the node be dead; true once its agent lock proves it. */
  fence(node: string): boolean
}

/** `lastOnline` is kept in memory alone: a new master waits a whole fence delay again. */
export function createNodeStatus(env: HaEnvironment): NodeStatus {
  const lastOnline = new Map<string, number>()
  const states = () => env.config().manager.node_status
  const state = (node: string) => states()[node]

  function set(node: string, to: string) {
    const from = state(node) ?? 'unknown'
    if (from !== to) env.log('info', `node '${node}': state changed from '${from}' => '${to}'`)
    states()[node] = to
  }

  function seen(node: string, mode: string | undefined) {
    lastOnline.set(node, env.now())
    const now = state(node)
    if (now === 'fence') return
    if (now === undefined || now === 'unknown' || now === 'gone') set(node, 'online')
    if (state(node) === 'online' && mode === 'maintenance') set(node, 'maintenance')
    else if (state(node) === 'maintenance' && mode !== 'maintenance') set(node, 'online')
  }

  function unseen(node: string, mode: string | undefined, isMember: boolean) {
    const now = state(node)
    if (now === 'online' || (now === 'maintenance' && mode !== 'maintenance')) set(node, 'unknown')
    if (isMember) return
    if (state(node) === 'unknown') set(node, 'gone')
    const since = lastOnline.get(node)
    if (since === undefined) lastOnline.set(node, env.now())
    else if (state(node) === 'gone' && env.now() - since > FORGET_AFTER) delete states()[node]
  }

  return {
    state,
    isOnline: (node) => state(node) === 'online',
    online: () =>
      Object.keys(states())
        .filter((node) => state(node) === 'online')
        .sort(),
    isLost(node) {
      if (state(node) === 'online') return false
      const since = lastOnline.get(node)
      if (since !== undefined) return env.now() - since >= FENCE_DELAY
      lastOnline.set(node, env.now())
      return false
    },
    update(members, modes) {
      for (const [node, isOnline] of members) {
        if (isOnline) seen(node, modes.get(node))
        else if (state(node) !== undefined) unseen(node, modes.get(node), true)
        else states()[node] = 'unknown'
      }
      for (const node of Object.keys(states())) if (!members.has(node)) unseen(node, modes.get(node), false)
    },
    fence(node) {
      if (state(node) !== 'fence') {
        set(node, 'fence')
        env.notify('fence', node)
      }
      if (!env.takeAgentLock(node)) return false
      env.log('info', `fencing: acknowledged - got agent lock for node '${node}'`)
      set(node, 'unknown')
      env.notify('fenced', node)
      return true
    },
  }
}

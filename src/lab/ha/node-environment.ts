/** What the HA daemons of a simulated node see and do: the model, and real tasks by root@pam for what happens to guests. */

import { migrateWorker } from '../endpoints/qemu-migration.ts'
import { shutdownWorker, startWorker, stopWorker } from '../endpoints/qemu-power.ts'
import { kill, launch } from '../endpoints/qemu-process.ts'
import { activate, storageOn } from '../endpoints/storage-access.ts'
import type { GuestConfig, SimCluster, SimNode } from '../model.ts'
import { clusterNodes, emit, isQuorate, isRunning, nodeByName, seesOnline, viewOf } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { storagesOf } from '../standstill.ts'
import { startTask, type TaskHandle } from '../tasks.ts'
import type { GuestAction, HaEnvironment, ShutdownPolicy } from './environment.ts'
import type { Locks } from './locks.ts'
import type { Watchdog } from './watchdog.ts'

export interface LockRoom {
  of(node: SimNode): Locks
  since(node: SimNode): number | undefined
}

interface Parts {
  sim: SimCluster
  node: SimNode
  rooms: LockRoom
  watchdog: Watchdog
  life: { alive: boolean }
}

const MANAGER_LOCK = 'ha_manager_lock'
const agentLock = (node: string) => `ha_agent_${node}_lock`

const vmidOf = (sid: string) => Number(sid.split(':')[1])

export function createNodeEnvironment({ sim, node, rooms, watchdog, life }: Parts): HaEnvironment {
  let uids = 0
  const now = () => Math.floor(sim.clock.now())
  const quorate = () => life.alive && isRunning(node) && isQuorate(sim, node)
  const take = (name: string) => quorate() && rooms.of(node).take(name, node.name, sim.clock.now(), rooms.since(node))
  const release = (name: string) => quorate() && rooms.of(node).release(name, node.name)
  const find = (sid: string) => viewOf(node).guests.get(vmidOf(sid))

  return {
    node: node.name,
    now,
    config: () => viewOf(node).ha,
    settings: () => settingsOf(viewOf(node).options),
    quorate,
    members: () => new Map(clusterNodes(sim, node).map((other) => [other.name, seesOnline(node, other)])),
    takeManagerLock: () => take(MANAGER_LOCK),
    releaseManagerLock: () => void release(MANAGER_LOCK),
    takeAgentLock: (name) => take(agentLock(name)),
    releaseAgentLock: () => void release(agentLock(node.name)),
    touchWatchdog: (daemon) => watchdog.touch(daemon),
    closeWatchdog: (daemon) => watchdog.close(daemon),
    guest(sid) {
      const guest = find(sid)
      return guest && { node: guest.node, type: guest.type, ...(guest.lock === undefined ? {} : { lock: guest.lock }) }
    },
    steal(sid, target) {
      const guest = find(sid)
      if (guest) guest.node = target
    },
    unlock: (sid) => void delete find(sid)?.lock,
    isRunning: (sid) => node.processes.has(vmidOf(sid)),
    act: async (sid, action) => (life.alive ? runTask(sim, node, vmidOf(sid), action) : false),
    notify: (what, name) => emit(sim, { kind: 'fencing', node, fenced: name, acknowledged: what === 'fenced' }),
    log: (_level, text) => writeSyslog(node, sim.clock.now(), text),
    uid() {
      uids += 1
      return Buffer.from(sha1Hex(`${node.name} ${sim.clock.now()} ${uids}`), 'hex')
        .toString('base64')
        .slice(0, 22)
    },
  }
}

function settingsOf(options: Record<string, string | number>) {
  const policy = /shutdown_policy=(\w+)/.exec(String(options.ha ?? ''))?.[1] as ShutdownPolicy | undefined
  return {
    shutdownPolicy: policy ?? ('conditional' as const),
    rebalanceOnStart: /ha-rebalance-on-start=1/.test(String(options.crs ?? '')),
  }
}

type Run = (task: TaskHandle) => Promise<void>

/** Resolves when the task has ended, with whether it ended well. */
function runTask(sim: SimCluster, node: SimNode, vmid: number, action: GuestAction): Promise<boolean> {
  const guest = viewOf(node).guests.get(vmid)
  if (!guest) return Promise.resolve(false)
  const [type, run] = taskFor({ sim, node }, vmid, guest.type === 'lxc', action)
  return new Promise((resolve) => {
    startTask(sim, node, { type, id: String(vmid), user: 'root@pam', tag: 'pve-ha-lrm' }, async (task) => {
      try {
        await run(task)
        resolve(true)
      } catch (error) {
        resolve(false)
        throw error
      }
    })
  })
}

function taskFor(
  place: { sim: SimCluster; node: SimNode },
  vmid: number,
  isCt: boolean,
  action: GuestAction,
): [string, Run] {
  if (isCt) return containerTask(place, vmid, action)
  if (action.do === 'start') return ['qmstart', startWorker(place, vmid)]
  if (action.do === 'migrate') {
    const target = nodeByName(place.sim, action.target)
    if (!target) return ['qmigrate', () => Promise.reject(new Error(`no such cluster node '${action.target}'`))]
    return ['qmigrate', migrateWorker(place, vmid, target)]
  }
  const { timeoutSeconds } = action
  if (timeoutSeconds === 0) return ['qmstop', stopWorker(place, vmid)]
  return ['qmshutdown', shutdownWorker(place, vmid, { timeoutSeconds, force: true })]
}

/** Seconds that a container takes to start, to stop and to be handed over. */
const CONTAINER = { start: 2, stop: 4, migrate: 3 }

/** Containers are moved by a restart, so that a move is but a change of folders. */
function containerTask(
  { sim, node }: { sim: SimCluster; node: SimNode },
  vmid: number,
  action: GuestAction,
): [string, Run] {
  const config = () => node.config.guests.get(vmid) as GuestConfig
  if (action.do === 'start') {
    return [
      'vzstart',
      async (task) => {
        for (const storage of storagesOf(config().keys)) {
          activate({ sim, node }, storageOn(viewOf(node), storage, node.name))
        }
        await task.sleep(CONTAINER.start)
        launch({ sim, node }, config())
      },
    ]
  }
  if (action.do === 'migrate') {
    return [
      'vzmigrate',
      async (task) => {
        await task.sleep(CONTAINER.migrate)
        config().node = action.target
      },
    ]
  }
  return [
    action.timeoutSeconds === 0 ? 'vzstop' : 'vzshutdown',
    async (task) => {
      await task.sleep(Math.min(CONTAINER.stop, action.timeoutSeconds))
      kill({ node }, vmid)
    },
  ]
}

const KEPT_LINES = 1000

function writeSyslog(node: SimNode, seconds: number, text: string) {
  const [, month, day, time] = /^\w+ (\w+) (\d+) \d+ ([\d:]+)/.exec(new Date(seconds * 1000).toString()) ?? []
  node.syslog.push(`${month} ${day} ${time} ${node.name} pve-ha[1]: ${text}`)
  if (node.syslog.length > KEPT_LINES) node.syslog.shift()
}

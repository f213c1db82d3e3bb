/** The lab as an all-seeing eye sees it, for the picture beside the chat. Not what Proxmox would say. */
import {
  backingOf,
  type ClusterConfig,
  type GuestConfig,
  isQuorate,
  isRunning,
  nodeByName,
  processOf,
  type SimCluster,
  type SimNode,
  storageOnNode,
} from './model.ts'
import { standsStill } from './standstill.ts'
import type { TaskRecord } from './tasks.ts'

export interface LabState {
  scenario: string
  clock: { now: number; speed: number }
  /** Whether somebody can still change the cluster; lone hosts always can. */
  quorate: boolean
  nodes: { name: string; power: string; network: string; online: boolean; votes: number }[]
  guests: { sid: string; vmid: number; name: string; type: string; node: string; status: string; ha?: string }[]
  storages: { storage: string; type: string; shared: boolean; nodes: string[] }[]
  /** Newest first; `status` is `running` or how it ended. */
  tasks: { upid: string; status: string; percent?: number }[]
}

const SHOWN_TASKS = 25

export function labState(sim: SimCluster): LabState {
  const configs = [...new Set(sim.nodes.map((node) => node.config))]
  return {
    scenario: sim.scenario,
    clock: { now: sim.clock.now(), speed: sim.clock.speed },
    quorate: sim.nodes.some((node) => isRunning(node) && isQuorate(sim, node)),
    nodes: sim.nodes.map((node) => ({
      name: node.name,
      power: node.power,
      network: node.network,
      online: isRunning(node) && node.member,
      votes: node.config.corosync?.nodes.find(({ name }) => name === node.name)?.votes ?? 0,
    })),
    guests: configs.flatMap((config) => [...config.guests.values()].map((guest) => guestState(sim, config, guest))),
    storages: configs.flatMap((config) => storagesOf(sim, config)),
    tasks: sim.nodes
      .flatMap((node) => node.tasks)
      .sort(newestFirst)
      .slice(0, SHOWN_TASKS)
      .map(taskState),
  }
}

function guestState(sim: SimCluster, config: ClusterConfig, guest: GuestConfig): LabState['guests'][number] {
  const { vmid, type, node, keys } = guest
  const sid = `${type === 'lxc' ? 'ct' : 'vm'}:${vmid}`
  const process = processOf(sim, guest)
  const ha = config.ha.manager.service_status?.[sid]?.state
  const home = nodeByName(sim, node)
  const isStill = process !== undefined && home !== undefined && standsStill({ sim, node: home }, process)
  const status = !process ? 'stopped' : process.qmpstatus === 'paused' ? 'paused' : isStill ? 'still' : 'running'
  const name = String(keys.name ?? keys.hostname ?? vmid)
  return { sid, vmid, name, type, node, status, ...(ha === undefined ? {} : { ha }) }
}

function storagesOf(sim: SimCluster, config: ClusterConfig): LabState['storages'] {
  const nodes = sim.nodes.filter((node) => node.config === config)
  return [...config.storages.values()].map((entry) => ({
    storage: entry.storage,
    type: entry.type,
    shared: entry.shared,
    nodes: nodes.filter((node) => reachable(sim, node, entry)).map((node) => node.name),
  }))
}

const reachable = (sim: SimCluster, node: SimNode, entry: Parameters<typeof backingOf>[2]) =>
  storageOnNode(entry, node.name) && backingOf(sim, node, entry) !== undefined

const newestFirst = (a: TaskRecord, b: TaskRecord) => b.starttime - a.starttime || b.pid - a.pid

const taskState = ({ upid, exitstatus, percent }: TaskRecord): LabState['tasks'][number] => ({
  upid,
  status: exitstatus ?? 'running',
  ...(percent === undefined ? {} : { percent }),
})

/**
 * What the HA daemons of one node see of the world and do to it. The simulated cluster gives them one on its movable
 * clock (daemons.ts); the tests give them another that replays recorded scenarios.
 */
import type { GuestType, HaConfig } from '../model.ts'

/** How an agent ended, in the numbers of lrm_status. */
export const RESULT = { success: 0, error: 1, wrongNode: 3 } as const

export type ShutdownPolicy = 'conditional' | 'freeze' | 'failover' | 'migrate'

/** datacenter.cfg, as far as the HA stack reads it. */
export interface HaSettings {
  shutdownPolicy: ShutdownPolicy
  rebalanceOnStart: boolean
}

/** What an agent is asked to do with a guest; whether the guest runs is looked at when it begins. */
export type GuestAction =
  | { do: 'start' }
  | { do: 'stop'; timeoutSeconds: number }
  | { do: 'migrate'; target: string; online: boolean }

export interface HaEnvironment {
  readonly node: string
  /** Whole seconds of simulated time. */
  now(): number
  /** /etc/pve/ha as this node has it; read anew each round. Changed in place by whoever has quorum. */
  config(): HaConfig
  settings(): HaSettings
  quorate(): boolean
  /** Nodes of corosync.conf, and which of them this one sees. */
  members(): Map<string, boolean>

  /** Takes or renews the lock of the manager; false without quorum or while another holds it. */
  takeManagerLock(): boolean
  releaseManagerLock(): void
  /** Takes or renews a node's agent lock: its own as a sign of life, another's to be sure that it is dead. */
  takeAgentLock(node: string): boolean
  releaseAgentLock(): void

  /** Once touched, a watchdog wants to be touched again within a minute, until it is closed. */
  touchWatchdog(daemon: 'crm' | 'lrm'): void
  closeWatchdog(daemon: 'crm' | 'lrm'): void

  /** Where a guest's config file lies, and its lock. */
  guest(sid: string): { node: string; type: GuestType; lock?: string } | undefined
  /** Moves the config file of a guest whose node is dead. */
  steal(sid: string, target: string): void
  unlock(sid: string): void

  /** Whether a guest's process runs on this node. */
  isRunning(sid: string): boolean
  /** Carries an action out on this node; resolves with whether it went well. */
  act(sid: string, action: GuestAction): Promise<boolean>

  /** The mails that Proxmox sends about fencing. */
  notify(what: 'fence' | 'fenced', node: string): void
  log(level: 'info' | 'notice' | 'warning' | 'err', text: string): void
  /** A name that was never used before, for one request to an agent. */
  uid(): string
}

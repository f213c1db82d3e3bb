/** What is asked of one guest beside its power: its settings, what of them waits, its snapshots. */
import type { CallOptions, GuestRef, Params, Upid } from './port.ts'

/** A setting that a running guest does not have yet: it waits for the next start. */
export interface PendingChange {
  key: string
  /** As it is now; absent: not set. */
  now?: string
  /** As it will be; absent: taken away. */
  next?: string
}

export interface Snapshot {
  name: string
  description: string
  /** Seconds. */
  at: number
  /** The memory is in it too. */
  withMemory: boolean
  /** The one before it. */
  parent?: string
}

/** A guest's snapshots, oldest first, and the one that its disks stand on now. */
export interface Snapshots {
  taken: Snapshot[]
  standsOn?: string
}

export interface GuestReads {
  /** Only what waits. */
  pendingChanges(guest: GuestRef, o?: CallOptions): Promise<PendingChange[]>
  snapshots(guest: GuestRef, o?: CallOptions): Promise<Snapshots>
}

/** Every call here is sent at most once. */
export interface GuestWrites {
  /** Makes no task: what came of it is seen in the configuration. */
  updateGuest(guest: GuestRef, params: Params, o?: CallOptions): Promise<void>
  takeSnapshot(guest: GuestRef, params: Params, o?: CallOptions): Promise<Upid>
  deleteSnapshot(guest: GuestRef, name: string, o?: CallOptions): Promise<Upid>
  rollBack(guest: GuestRef, name: string, o?: CallOptions): Promise<Upid>
  /** Of a machine: a container's answers when it is done, without a task. */
  makeTemplate(guest: GuestRef, o?: CallOptions): Promise<Upid>
}

/** What is asked of one guest beside its power: its settings, and what of them waits. */
import type { CallOptions, GuestRef, Params } from './port.ts'

/** A setting that a running guest does not have yet: it waits for the next start. */
export interface PendingChange {
  key: string
  /** As it is now; absent: not set. */
  now?: string
  /** As it will be; absent: taken away. */
  next?: string
}

export interface GuestReads {
  /** Only what waits. */
  pendingChanges(guest: GuestRef, o?: CallOptions): Promise<PendingChange[]>
}

/** Every call here is sent at most once. */
export interface GuestWrites {
  /** Makes no task: what came of it is seen in the configuration. */
  updateGuest(guest: GuestRef, params: Params, o?: CallOptions): Promise<void>
}

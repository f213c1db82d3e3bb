import type { ListedMessage } from '../../../core/message.ts'

/** One entry of GET /api/messages and of the stream; an entry without a time stands where it came. */
export type Listed = Omit<ListedMessage, 'at'> & { at?: string }

export interface ApiError {
  code: string
  says: string
  hint: string
  raw?: string
}

/** `value` is the whole new text of the input line. */
export interface Completion {
  value: string
  label: string
  note?: string
}

/** The answer of GET /api/lab. */
export interface Lab {
  scenario: string
  clock: { now: string | number; speed: number }
  /** null while no cluster exists. */
  quorate: boolean | null
  nodes: LabNode[]
  guests: LabGuest[]
  storages: LabStorage[]
  tasks: LabTask[]
}

export interface LabNode {
  name: string
  power: 'on' | 'off'
  network: 'up' | 'cut'
  online: boolean
  votes: number
  /** As the node itself sees it. */
  quorate?: boolean
}

export interface LabGuest {
  sid: string
  vmid: number
  name: string
  type: string
  node: string
  status: string
  template?: boolean
  ha?: string | { state?: string }
}

export interface LabStorage {
  storage: string
  type: string
  shared: boolean
  /** Absent: on every node. */
  nodes?: string[]
}

export interface LabTask {
  upid: string
  status: string
  percent?: number
}

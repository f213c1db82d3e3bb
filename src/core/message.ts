/** The one neutral message that Slack, Discord and the web chat render. Its JSON is a contract. */
export interface Message {
  title: string
  state: State
  text?: string
  fields?: Field[]
  table?: { columns: string[]; rows: string[][] }
  progress?: Progress
  /** The last lines of a Proxmox task log, oldest first. */
  log?: string[]
  actions?: Action[]
  form?: Form
  image?: { alt: string; url: string }
  /** The id of the card that this line belongs to. */
  thread?: string
  job?: string
  incident?: string
  event?: { kind: string; cluster: string } & Record<string, unknown>
  error?: { code: string; says: string; hint: string; raw?: string }
}

/** `waiting`: for a confirmation, an approval or a person. `stale`: what it shows could not be read again. */
export type State = 'info' | 'queued' | 'running' | 'waiting' | 'ok' | 'warning' | 'failed' | 'refused' | 'stale'

/** The same in every chat that shows no colours. */
export const stateIcons: Record<State, string> = {
  info: 'ℹ️',
  queued: '🕓',
  running: '⏳',
  waiting: '✋',
  ok: '✅',
  warning: '⚠️',
  failed: '❌',
  refused: '⛔',
  stale: '❔',
}

export interface Field {
  name: string
  value: string
}

/** `percent`: 0-100 of the whole job. */
export interface Progress {
  step: number
  of: number
  percent?: number
  label?: string
}

export const actionIds = [
  'confirm',
  'cancel',
  'approve',
  'reject',
  'ack',
  'note',
  'resolve',
  'retry',
  'log',
  'form.submit',
  'form.cancel',
] as const
export type ActionId = (typeof actionIds)[number]

export interface Action {
  id: ActionId
  label: string
  style?: 'primary' | 'danger'
}

export interface Form {
  id: string
  fields: FormField[]
}

export interface FormField {
  name: string
  label: string
  type: 'text' | 'secret' | 'number' | 'boolean' | 'select'
  required: boolean
  options?: { value: string; label: string }[]
  /** What the field shows before anyone types. */
  value?: string
}

/** Where a message goes: `web:general`, `slack:C0123`, `discord:456`. */
export type Target = string

/** A message of a web channel in its newest state, as the web chat's API lists it. */
export interface ListedMessage {
  id: string
  /** Every new message and every edit takes the channel's next number. */
  seq: number
  channel: string
  threadId?: string
  /** The identity of who said it; `quorum` for ours. */
  author: string
  message: Message
  /** From 1. */
  revision: number
  /** When it was first posted, ISO 8601. */
  at: string
  /** For this person's eyes alone, where the chat knows who is reading. */
  onlyTo?: string
}

import type { Path } from './faults.ts'

/**
 * Which process is asking. `root-worker` is `quorum worker --root`; `tool` is any short command (`doctor`,
 * `register`, `audit verify`, `secret set`, `web-login`).
 */
export type ProcessRole = 'bot' | 'worker' | 'root-worker' | 'lab' | 'tool'

/** `needs`: it must resolve. `may`: taken where it is set, absent where not. */
export type Use = 'needs' | 'may'

/**
 * Who reads which secret. A role that a line does not name never sees that secret: it is not looked up, not asked
 * for, and not in that process's `Config`. `*` stands for any index or key; everything below a place belongs to it.
 *
 * The bot looks (PVEAuditor), workers act (and the doctor sees what they may), and only the root worker can log in as root. Chat tokens stay with the
 * process that holds the connections and sends the outbox. The lab never reaches real machines or wakes real people.
 */
const table: Readonly<Record<string, Partial<Record<ProcessRole, Use>>>> = {
  'clusters.*.token': { bot: 'needs', worker: 'needs', 'root-worker': 'needs', tool: 'may' },
  'clusters.*.tokens.read': { bot: 'needs', worker: 'needs', 'root-worker': 'needs', tool: 'may' },
  'clusters.*.tokens.act': { worker: 'needs', 'root-worker': 'needs', tool: 'may' },
  'clusters.*.tokens.access': { worker: 'needs', 'root-worker': 'needs' },
  'clusters.*.root.password': { 'root-worker': 'needs' },
  'hosts.*.password': { 'root-worker': 'needs' },
  'hosts.*.install.passwordHash': { bot: 'needs' },
  'chat.slack.botToken': { bot: 'needs', lab: 'may', tool: 'may' },
  'chat.slack.appToken': { bot: 'needs', lab: 'may', tool: 'may' },
  'chat.slack.signingSecret': { bot: 'needs', lab: 'may', tool: 'may' },
  'chat.discord.token': { bot: 'needs', lab: 'may', tool: 'may' },
  'http.hooks.proxmox.secret': { bot: 'needs' },
  'oncall.pager.key': { worker: 'needs', 'root-worker': 'needs' },
  'oncall.pager.hookSecret': { bot: 'needs' },
  'heartbeat.url': { worker: 'needs', 'root-worker': 'needs' },
  'power.*.webhook': { worker: 'needs', 'root-worker': 'needs' },
}

const places = Object.keys(table).map((name) => ({ name, parts: name.split('.') }))

const within = (parts: readonly string[], path: Path): boolean =>
  path.length >= parts.length && parts.every((part, i) => part === '*' || part === String(path[i]))

/** The place that `path` is, or lies in: nothing there may be printed. */
export const secretPlace = (path: Path): string | undefined => places.find(({ parts }) => within(parts, path))?.name

/** How `role` uses what stands at `path`, exactly a secret place; `open` where it is not one. */
export function useOf(role: ProcessRole, path: Path): Use | 'never' | 'open' {
  const place = places.find(({ parts }) => parts.length === path.length && within(parts, path))
  return place ? (table[place.name]?.[role] ?? 'never') : 'open'
}

/** One recorded scenario of the HA manager: how it began, what was done, and what became of nodes and services. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { ShutdownPolicy } from '../src/lab/ha/environment.ts'
import type { ConfigKeys, HaLrmStatus, HaManagerStatus } from '../src/lab/model.ts'
import { emptyHa } from '../src/lab/model.ts'
import type { Command, Start, WorldGuest } from './ha-world.ts'

const FOLDER = new URL('./recordings/ha-timelines/', import.meta.url)

export interface Shot {
  t: number
  nodes: Record<string, string>
  manager_status: Partial<HaManagerStatus>
  lrm_status?: Record<string, Partial<HaLrmStatus>>
  guests?: Record<string, { node: string; status: string; lock?: string }>
  ha_resources?: (ConfigKeys & { sid: string; type: string })[]
  ha_rules?: (ConfigKeys & { rule: string; type: 'node-affinity' | 'resource-affinity' })[]
  ha_groups?: (ConfigKeys & { group: string })[]
}

interface LoggedEvent {
  kind: string
  log?: string
  policy?: string
}

const unpack = (scenario: string, file: string) =>
  gunzipSync(readFileSync(new URL(`${scenario}/${file}`, FOLDER))).toString('utf8')

export const scenarios = () => readdirSync(FOLDER).sort()

export const shotsOf = (scenario: string): Shot[] =>
  unpack(scenario, 'timeline.jsonl.gz')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

const eventsOf = (scenario: string): LoggedEvent[] => JSON.parse(unpack(scenario, 'events.json.gz'))

/** What the scenario's script did, from the log that it left. */
export function commandsOf(scenario: string): Command[] {
  return eventsOf(scenario).flatMap(({ log = '' }) => {
    const [, t, command] = /^\w+\s+(\d+)\s+cmdlist: execute (.*)$/.exec(log) ?? []
    return t === undefined || command === undefined ? [] : [{ t: Number(t), words: command.split(' ') }]
  })
}

const NOT_CONFIG = new Set(['sid', 'type', 'digest', 'rule', 'order', 'group', 'errors'])

const keysOf = (section: ConfigKeys, keep: string[] = []): ConfigKeys =>
  Object.fromEntries(Object.entries(section).filter(([key]) => keep.includes(key) || !NOT_CONFIG.has(key)))

export function startOf(scenario: string, shots: Shot[]): Start {
  const first = shots[0]!
  const told = shots.find((shot) => shot.ha_resources) ?? first
  const config = emptyHa()
  config.manager = { node_status: {}, ...structuredClone(first.manager_status) }
  for (const [node, { mode, state, timestamp = 0, results = {} }] of Object.entries(first.lrm_status ?? {})) {
    if (mode !== undefined && state !== undefined) config.lrm.set(node, { mode, state, timestamp, results })
  }
  for (const { sid, type, ...keys } of told.ha_resources ?? []) {
    config.resources.set(sid, { sid, type: type as 'vm', keys: keysOf(keys as ConfigKeys, ['group']) })
  }
  for (const { rule, type, ...keys } of told.ha_rules ?? []) {
    if (told.ha_groups && rule.startsWith('ha-group-')) continue
    config.rules.set(rule, { rule, type, order: config.rules.size + 1, keys: keysOf(keys as ConfigKeys) })
  }
  for (const { group, ...keys } of told.ha_groups ?? []) config.groups.set(group, keysOf(keys as ConfigKeys))
  const policy = eventsOf(scenario).find(({ kind }) => kind === 'node_shutdown_policy')?.policy
  return {
    nodes: new Map(
      Object.entries(first.nodes)
        .map(([node, state]) => [node, state === 'online'] as const)
        .sort(),
    ),
    config,
    guests: new Map(Object.entries(first.guests ?? told.guests ?? {}).map(([sid, guest]) => [sid, guestOf(guest)])),
    shutdownPolicy: (policy ?? 'conditional') as ShutdownPolicy,
  }
}

const guestOf = ({ node, lock }: { node: string; lock?: string }): WorldGuest => ({
  node,
  running: false,
  ...(lock === undefined ? {} : { lock }),
})

/** GET /cluster/ha/status/current beside what Proxmox's own handlers, of 9 and of 8, made of the same files. */
import { readdirSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { routes } from '../src/lab/endpoints/ha-read.ts'
import { routes as ruleRoutes } from '../src/lab/endpoints/ha-rules.ts'
import { type ConfigKeys, emptyConfig, type HaConfig, type NodeCertificate, type SimNode } from '../src/lab/model.ts'
import { RELEASES } from '../src/lab/releases.ts'
import type { Context, Json, Route } from '../src/lab/router.ts'

const FOLDER = new URL('./recordings/ha-timelines/', import.meta.url)
const scenarios = readdirSync(FOLDER).sort()

const linesOf = <T>(scenario: string, file: string): T[] =>
  gunzipSync(readFileSync(new URL(`${scenario}/${file}`, FOLDER)))
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T)

type Section = ConfigKeys & { sid: string; type: 'vm'; digest: string }

interface Line {
  epoch: number
  nodes: Record<string, string>
  view_node: string | null
  manager_status: HaConfig['manager']
  lrm_status?: Record<string, never>
  ha_status_current: Json[] | null
  ha_resources?: Section[]
  ha_rules?: (ConfigKeys & { rule: string; type: 'node-affinity'; order: number; errors?: unknown })[]
  guests: Record<string, { node: string }> | null
}

function configOf(line: Line) {
  const config = emptyConfig({ ticketKey: '', now: 0, authority: {} as NodeCertificate })
  for (const [sid, { node }] of Object.entries(line.guests ?? {})) {
    const vmid = Number(sid.split(':')[1])
    const type = sid.startsWith('ct:') ? 'lxc' : 'qemu'
    config.guests.set(vmid, { vmid, type, node, keys: {}, template: false, pending: {}, snapshots: [] })
  }
  const { ha } = config
  ha.manager = { ...line.manager_status, node_status: line.manager_status.node_status ?? {} }
  ha.lrm = new Map(Object.entries(line.lrm_status ?? {}))
  for (const { sid, type, digest: _, ...keys } of line.ha_resources ?? []) ha.resources.set(sid, { sid, type, keys })
  for (const { rule, type, order, digest: _, errors: __, ...keys } of line.ha_rules ?? []) {
    ha.rules.set(rule, { rule, type, order, keys })
  }
  const names = Object.keys(line.nodes)
  config.corosync = {
    ...{ name: 'test', version: 1 },
    nodes: names.map((name, index) => ({ name, nodeid: index + 1, votes: 1, ring0: '' })),
  }
  return config
}

/** What is asked of the handler: the files as they were, on the node that answered, at that time. */
function contextOf(line: Line, version: '8.4' | '9.2'): Context {
  const config = configOf(line)
  const nodes = Object.entries(line.nodes).map(
    ([name, state]) => ({ name, config, isolated: false, member: state === 'online' }) as SimNode,
  )
  const node = nodes.find(({ name }) => name === line.view_node)
  return { sim: { pve: RELEASES[version], nodes }, node, config, now: line.epoch, params: {} } as unknown as Context
}

const handlerOf = (family: Route[], path: string) => family.find((route) => route.path === path)!.handler

const CURRENT = handlerOf(routes, '/cluster/ha/status/current')
const RULES = handlerOf(ruleRoutes, '/cluster/ha/rules')

const timeless = (value: unknown) =>
  JSON.parse(JSON.stringify(value).replace(/\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}/g, 'TIME')) as Json[]

/** The scenarios' lines that somebody answered, and what the 8 handler said of each. */
function* answered() {
  for (const scenario of scenarios) {
    const older = linesOf<{ ha_status_current: Json[] | null }>(scenario, 'status-v4.0.7.jsonl.gz')
    for (const [index, line] of linesOf<Line>(scenario, 'timeline.jsonl.gz').entries()) {
      if (line.ha_status_current) yield { where: `${scenario} ${index}`, line, older: older[index]?.ha_status_current }
    }
  }
}

test('every recorded status of every scenario is told alike, as 9 and as 8 tell it', async () => {
  const seen = { '9.2': 0, '8.4': 0 }
  for (const { where, line, older } of answered()) {
    const { '9.2': nine, '8.4': eight } = {
      '9.2': timeless(await CURRENT(contextOf(line, '9.2'))),
      '8.4': timeless(await CURRENT(contextOf(line, '8.4'))),
    }
    expect(nine, `9.2: ${where}`).toEqual(timeless(line.ha_status_current))
    expect(eight, `8.4: ${where}`).toEqual(timeless(older))
    seen['9.2'] += 1
    seen['8.4'] += 1
  }
  expect(seen['9.2']).toBeGreaterThan(1000)
})

test('rules that cannot be kept say so in the same words', async () => {
  let faulty = 0
  for (const { where, line } of answered()) {
    const recorded = line.ha_rules ?? []
    const told = (await RULES(contextOf(line, '9.2'))) as { rule: string; errors?: Json }[]
    const faults = (rules: { rule: string; errors?: unknown }[]) =>
      Object.fromEntries(rules.map(({ rule, errors }) => [rule, errors]))
    expect(faults(told), where).toEqual(faults(recorded))
    faulty += recorded.filter(({ errors }) => errors !== undefined).length
  }
  expect(faulty).toBeGreaterThan(0)
})

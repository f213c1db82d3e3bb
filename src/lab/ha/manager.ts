/** The master's round: who is there, what was asked, then every service until nothing changes any more. */
import type { HaConfig } from '../model.ts'
import { readCommands } from './commands.ts'
import { isDisarmed, isTracked, proceedDisarming } from './disarm.ts'
import type { HaEnvironment } from './environment.ts'
import { createNodeStatus, type NodeStatus } from './node-status.ts'
import { readRules } from './rules.ts'
import { enter, type Round, step, wanted } from './service-states.ts'

export interface Manager {
  round(): void
}

/** Made anew with each mastership. */
export function createManager(env: HaEnvironment): Manager {
  const nodes = createNodeStatus(env)
  return {
    round() {
      const round = lookAround(env, nodes)
      const { manager } = round.config
      manager.master_node = env.node
      readCommands(round)
      if (!isDisarmed(manager)) meetServices(round)
      proceedDisarming(round)
      settle(round)
      manager.service_status = round.services
      manager.timestamp = env.now()
    },
  }
}

function lookAround(env: HaEnvironment, nodes: NodeStatus): Round {
  const config = env.config()
  const modes = new Map([...config.lrm].map(([node, { mode }]) => [node, mode]))
  nodes.update(env.members(), modes)
  return {
    env,
    config,
    settings: env.settings(),
    nodes,
    rules: readRules(config),
    services: config.manager.service_status ?? {},
    modes,
    results: resultsOf(config),
  }
}

const resultsOf = ({ lrm }: HaConfig) =>
  new Map([...lrm.values()].flatMap(({ results }) => Object.entries(results).map(([uid, r]) => [uid, r.exit_code])))

/** New sections of resources.cfg come in, those that are gone or ignored go out. */
function meetServices(round: Round) {
  const { config, services, env } = round
  for (const [sid, resource] of [...config.resources].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const place = env.guest(sid)
    if (services[sid] || wanted(resource) === 'ignored' || !place) continue
    env.log('info', `adding new service '${sid}' on node '${place.node}'`)
    services[sid] = {
      state: wanted(resource) === 'started' ? 'request_start' : 'request_stop',
      node: place.node,
      uid: env.uid(),
    }
  }
  for (const sid of Object.keys(services)) {
    const resource = config.resources.get(sid)
    if (resource && wanted(resource) !== 'ignored') continue
    env.log('info', `removing stale service '${sid}' (${resource ? 'ignored state requested' : 'no config'})`)
    delete services[sid]
  }
}

/** More turns than a service can have states; a plan that never settles ends with the round. */
const MOST_TURNS = 50

function settle(round: Round) {
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    let changed = false
    for (const [sid, service] of Object.entries(round.services).sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (isTracked(round, service) && step(round, sid)) changed = true
    }
    if (fenceNodes(round)) changed = true
    if (!changed) return
  }
}

/** Each node with services to fence is asked for once; also one whose services were removed meanwhile. */
function fenceNodes(round: Round): boolean {
  const { nodes, services, config } = round
  if (config.manager.disarm?.state === 'disarmed') return false
  let fenced = false
  const lost = new Map<string, string[]>()
  for (const [sid, { state, node }] of Object.entries(services)) {
    if (state === 'fence') lost.set(node, [...(lost.get(node) ?? []), sid])
  }
  for (const node of Object.keys(config.manager.node_status)) {
    if (nodes.state(node) === 'fence' && !lost.has(node)) lost.set(node, [])
  }
  for (const [node, sids] of lost) {
    if (!nodes.fence(node)) continue
    for (const sid of sids.sort()) enter(round, sid, 'recovery')
    if (sids.length > 0) fenced = true
  }
  return fenced
}

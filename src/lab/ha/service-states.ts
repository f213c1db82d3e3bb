/**
 * The states of a service and every way from one to the next, as the manager decides them once a round (and again
 * within the round until nothing changes):
 *
 *     (new) → request_start → started ⇄ migrate, relocate        started → error → (disabled) → stopped
 *     (new) → request_stop → stopped → request_start             any, its node lost → fence → recovery → started
 *     started, stopped, request_stop ⇄ freeze (its node restarts; HA is disarmed)
 */
import type { HaConfig, HaResource, HaService } from '../model.ts'
import { type HaEnvironment, type HaSettings, RESULT } from './environment.ts'
import type { NodeStatus } from './node-status.ts'
import type { Rules } from './rules.ts'
import { type Choice, type Services, selectNode } from './selection.ts'

/** One round of the manager, as a service's state sees it. */
export interface Round {
  env: HaEnvironment
  config: HaConfig
  settings: HaSettings
  nodes: NodeStatus
  rules: Rules
  services: Services
  /** The agents' last modes, by node. */
  modes: Map<string, string>
  /** How the agents' requests ended, by uid. */
  results: Map<string, number>
}

type Step = (round: Round, sid: string, service: HaService, resource: HaResource | undefined) => void

export const wanted = (resource: HaResource | undefined) => {
  const state = String(resource?.keys.state ?? (resource ? 'started' : 'disabled'))
  return state === 'enabled' ? 'started' : state
}

const limit = (resource: HaResource | undefined, key: 'max_restart' | 'max_relocate') =>
  Number(resource?.keys[key] ?? 1)

/** What survives a change of state. */
const KEPT = ['failed_nodes', 'maintenance_node'] as const

/** Gives the service a new state and with it a new uid: what agents report about the old one no longer counts. */
export function enter(round: Round, sid: string, state: string, extra: Partial<HaService> = {}) {
  const old = round.services[sid]
  const kept = Object.fromEntries(KEPT.flatMap((key) => (old?.[key] === undefined ? [] : [[key, old[key]]])))
  const service: HaService = { state, node: old?.node ?? '', uid: round.env.uid(), ...kept, ...extra }
  round.services[sid] = service
  const where = service.target === undefined ? '' : ` (node = ${service.node}, target = ${service.target})`
  round.env.log('info', `service '${sid}': state changed from '${old?.state ?? 'none'}' to '${state}'${where}`)
}

/** The agent's answer to the present request. */
const resultOf = (round: Round, service: HaService) => round.results.get(service.uid)

const restart = (round: Round, sid: string, resource: HaResource | undefined, extra: Partial<HaService> = {}) =>
  enter(round, sid, wanted(resource) === 'started' ? 'started' : 'request_stop', extra)

function choose(round: Round, sid: string, resource: HaResource | undefined, o: Partial<Choice> = {}) {
  const { services, rules } = round
  return selectNode({ sid, services, rules, online: round.nodes.online(), failback: failsBack(round, resource), ...o })
}

function failsBack({ config }: Round, resource: HaResource | undefined) {
  const group = config.groups.get(String(resource?.keys.group ?? ''))
  if (group) return Number(group.nofailback ?? 0) === 0
  return Number(resource?.keys.failback ?? 1) !== 0
}

/** The way a guest goes elsewhere on the manager's own wish: machines live, containers by a restart. */
const movement = (round: Round, sid: string) => (round.env.guest(sid)?.type === 'lxc' ? 'relocate' : 'migrate')

/**
 * True while nothing else can be decided: the node is away, and perhaps for so long that it must be fenced. One that
 * went down in maintenance is left, not waited for.
 */
function isAway(round: Round, sid: string, service: HaService): boolean {
  const { nodes } = round
  const state = nodes.state(service.node)
  if (state === 'online' || state === 'maintenance') return false
  if (nodes.isLost(service.node)) enter(round, sid, 'fence')
  return true
}

/** A `migrate` or `relocate` somebody asked for; false if there is none that can be carried out. */
function obeyMove(round: Round, sid: string, service: HaService): boolean {
  const [command, target] = service.cmd ?? []
  if ((command !== 'migrate' && command !== 'relocate') || typeof target !== 'string') return false
  delete service.cmd
  if (!round.nodes.isOnline(target)) {
    round.env.log('err', `ignore service '${sid}' ${command} request - node '${target}' not online`)
    return false
  }
  if (target === service.node) return false
  enter(round, sid, service.state === 'started' && command === 'relocate' ? 'relocate' : command, { target })
  return true
}

function obeyStop(round: Round, sid: string, service: HaService): boolean {
  const [command, timeout] = service.cmd ?? []
  if (command !== 'stop') return false
  enter(round, sid, 'request_stop', timeout === undefined ? {} : { timeout })
  const resource = round.config.resources.get(sid)
  if (resource && wanted(resource) === 'started') resource.keys.state = 'stopped'
  return true
}

const requestStop: Step = (round, sid, service) => {
  if (isLostForGood(round, sid, service)) return
  const result = resultOf(round, service)
  if (result === undefined) return
  if (result === RESULT.success) enter(round, sid, 'stopped')
  else fail(round, sid, `service '${sid}' stop failed (exit code ${result})`)
}

/** As `isAway` for states in which an agent works: only fencing counts. */
function isLostForGood(round: Round, sid: string, service: HaService): boolean {
  if (!round.nodes.isLost(service.node)) return false
  enter(round, sid, 'fence')
  return true
}

function fail(round: Round, sid: string, text: string) {
  round.env.log('err', text)
  enter(round, sid, 'error')
}

const requestStart: Step = (round, sid, service, resource) => {
  if (round.settings.rebalanceOnStart && round.nodes.isOnline(service.node)) {
    const target = choose(round, sid, resource, { rebalance: true })
    if (target !== undefined && target !== service.node) return enter(round, sid, 'request_start_balance', { target })
  }
  enter(round, sid, 'started')
}

/** Migrate, relocate and the move before a first start. */
const moving: Step = (round, sid, service, resource) => {
  if (isLostForGood(round, sid, service)) return
  const result = resultOf(round, service)
  if (result === undefined) return
  if (result === RESULT.wrongNode)
    return fail(round, sid, `service '${sid}' - migration failed: service is on wrong node`)
  const arrived = result === RESULT.success && service.target !== undefined
  if (!arrived) round.env.log('err', `service '${sid}' - migration failed (exit code ${result})`)
  restart(round, sid, resource, arrived && service.target ? { node: service.target } : {})
}

const stopped: Step = (round, sid, service, resource) => {
  if (wanted(resource) !== 'disabled' && isAway(round, sid, service)) return
  if (obeyMove(round, sid, service)) return
  delete service.cmd
  if (wanted(resource) === 'started') enter(round, sid, 'request_start')
}

const started: Step = (round, sid, service, resource) => {
  if (isAway(round, sid, service)) return
  if (wanted(resource) !== 'started') return enter(round, sid, 'request_stop')
  if (obeyMove(round, sid, service) || obeyStop(round, sid, service)) return
  const result = resultOf(round, service)
  const failed = result !== undefined && hear(round, sid, service, resource, result)
  if (round.services[sid]?.state !== 'started') return
  const target = place(round, sid, service, resource, failed)
  if (target !== undefined) return moveTo(round, sid, target, failed)
  if (isLostForGood(round, sid, service)) return
  if (failed) round.env.log('warning', `service '${sid}': all nodes tried, retry start on current node`)
  if (result !== undefined) service.uid = round.env.uid()
}

/** Takes in how a start ended; true if another node should try. */
function hear(round: Round, sid: string, service: HaService, resource: HaResource | undefined, result: number) {
  if (result === RESULT.success) {
    delete service.failed_nodes
    service.running = 1
    return false
  }
  if (result === RESULT.wrongNode) {
    fail(round, sid, `service '${sid}' is on the wrong node`)
    return false
  }
  service.failed_nodes = [...(service.failed_nodes ?? []), service.node]
  if (service.failed_nodes.length <= limit(resource, 'max_relocate')) return true
  fail(round, sid, `service '${sid}' start failed and exceeded the number of relocations`)
  return false
}

/** Another node for a started service, or undefined to stay. Notes where it comes from when its node is in maintenance. */
function place(round: Round, sid: string, service: HaService, resource: HaResource | undefined, failed: boolean) {
  const { nodes } = round
  if (nodes.state(service.node) === 'maintenance') service.maintenance_node ??= service.node
  const before = service.maintenance_node
  const tries = failed ? { tryNext: true, tried: service.failed_nodes ?? [] } : {}
  const target = choose(round, sid, resource, { ...tries, before })
  const there = target ?? service.node
  if (there === before && nodes.isOnline(there)) delete service.maintenance_node
  return target === service.node ? undefined : target
}

function moveTo(round: Round, sid: string, target: string, failed: boolean) {
  const state = failed ? 'relocate' : movement(round, sid)
  const why = failed ? 'relocate' : 'migrate'
  round.env.log('info', `${why} service '${sid}' to node '${target}'`)
  enter(round, sid, state, { target })
}

/** Locks that a dead node's workers left on a guest. */
const LEFT_BEHIND = new Set(
  'backup mounted migrate clone rollback snapshot snapshot-delete suspending suspended'.split(' '),
)

const recovery: Step = (round, sid, service, resource) => {
  if (wanted(resource) === 'disabled') return enter(round, sid, 'stopped')
  const { env } = round
  const target = choose(round, sid, resource, { rebalance: true, before: service.maintenance_node })
  if (target === undefined) {
    env.log('err', `recovering service '${sid}' from fenced node '${service.node}' failed, no recovery node found`)
    return
  }
  env.log('info', `recover service '${sid}' from fenced node '${service.node}' to node '${target}'`)
  if (LEFT_BEHIND.has(env.guest(sid)?.lock ?? '')) env.unlock(sid)
  if (target !== service.node) env.steal(sid, target)
  if (service.maintenance_node === target) delete service.maintenance_node
  restart(round, sid, resource, { node: target })
}

/** Nothing moves it but the administrator's `disabled`. */
const inError: Step = (round, sid, service, resource) => {
  if (wanted(resource) !== 'disabled') return
  delete service.failed_nodes
  enter(round, sid, 'stopped')
}

const frozen: Step = (round, sid, service, resource) => {
  if (round.modes.get(service.node) === 'active') restart(round, sid, resource)
}

/** Fenced services wait for the manager's `fence`, which asks for the node's death once for all of them. */
const waits: Step = () => {}

const STEPS: Record<string, Step> = {
  request_start: requestStart,
  request_start_balance: moving,
  request_stop: requestStop,
  started,
  stopped,
  migrate: moving,
  relocate: moving,
  recovery,
  error: inError,
  freeze: frozen,
  fence: waits,
}

/** What stands still while its node restarts or HA is disarmed. */
export const FREEZES = new Set(['started', 'stopped', 'request_stop', 'request_start'])

/** One look at one service; true if its state changed. */
export function step(round: Round, sid: string): boolean {
  const service = round.services[sid]
  if (!service) return false
  const { state } = service
  STEPS[state]?.(round, sid, service, round.config.resources.get(sid))
  const now = round.services[sid]
  if (now && FREEZES.has(now.state) && round.modes.get(now.node) === 'restart') enter(round, sid, 'freeze')
  return round.services[sid]?.state !== state
}

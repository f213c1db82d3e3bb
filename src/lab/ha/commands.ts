/** The queue of crm_commands: wishes of the command line and the API, read by the manager once a round. */
import type { HaManagerStatus } from '../model.ts'
import { isDisarmed, startArming, startDisarming } from './disarm.ts'
import type { Round } from './service-states.ts'

/** Empties the queue; what cannot be is only logged, as Proxmox does. */
export function readCommands(round: Round) {
  const commands = round.config.commands.splice(0)
  for (const command of commands) obey(round, command)
}

function obey(round: Round, command: string) {
  const words = command.trim().split(/\s+/)
  const [verb = '', first = '', second = ''] = words
  if (verb === 'migrate' || verb === 'relocate') return move(round, verb, first, second)
  if (verb === 'stop') return give(round, command, first, ['stop', second])
  if (verb === 'node-maintenance') return maintain(round, command, first === 'enable', second)
  if (verb === 'enable-node-maintenance' || verb === 'disable-node-maintenance') {
    return maintain(round, command, verb.startsWith('enable'), first)
  }
  if (verb === 'disarm-ha') return startDisarming(round, first === 'ignore' ? 'ignore' : 'freeze')
  if (verb === 'arm-ha') return startArming(round)
  round.env.log('err', `unable to parse command: ${command}`)
}

function move(round: Round, verb: 'migrate' | 'relocate', sid: string, target: string) {
  const { nodes, services, rules, env } = round
  const refuse = (why: string) => env.log('err', `crm command error - ${why}: ${verb} ${sid} ${target}`)
  const service = services[sid]
  if (!service) return refuse('no such service')
  if (!nodes.isOnline(target)) return refuse('node not online')
  if (service.node === target) return env.log('info', `ignore crm command - service already on target node: ${sid}`)
  const avoided = rules.apart(sid).filter((other) => [services[other]?.node, services[other]?.target].includes(target))
  if (avoided.length > 0) return refuse(`service '${avoided[0]}' on node '${target}' in negative affinity with it`)
  for (const each of [sid, ...rules.together(sid)]) {
    const other = services[each]
    if (other && other.node !== target) other.cmd = [verb, target]
  }
}

function give({ services, env }: Round, command: string, sid: string, cmd: string[]) {
  const service = services[sid]
  if (service) service.cmd = cmd
  else env.log('err', `crm command error - no such service: ${command}`)
}

/** Asks a node's agent to go into maintenance; refused for a node that is not online, and while HA is disarmed. */
function maintain(round: Round, command: string, enable: boolean, node: string) {
  const { manager } = round.config
  if (enable && isDisarmed(manager))
    return round.env.log('warning', `ignoring maintenance command while disarmed: ${command}`)
  const state = round.nodes.state(node)
  if (state !== 'online' && state !== 'maintenance') {
    return round.env.log('err', `crm command error - node not online: ${command}`)
  }
  const request = manager.node_request?.[node] ?? {}
  if (enable) request.maintenance = 1
  else delete request.maintenance
  manager.node_request = { ...manager.node_request, [node]: request }
}

/** What the manager asks a node's agent to do. */
export const isMaintenanceWanted = (manager: HaManagerStatus, node: string) =>
  manager.node_request?.[node]?.maintenance === 1

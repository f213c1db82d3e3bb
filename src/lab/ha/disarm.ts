/** HA switched off for a while: agents let go of locks and watchdogs, services freeze or are ignored. */
import type { HaManagerStatus, HaService } from '../model.ts'
import { enter, FREEZES, type Round } from './service-states.ts'

export const isDisarmed = (manager: HaManagerStatus) => manager.disarm !== undefined

export function startDisarming({ config, env }: Round, mode: 'freeze' | 'ignore') {
  if (config.manager.disarm) return env.log('notice', `ignoring disarm-ha: already ${config.manager.disarm.state}`)
  config.manager.disarm = { mode, state: 'disarming' }
}

export function startArming(round: Round) {
  const { manager } = round.config
  if (!manager.disarm) return round.env.log('notice', 'ignoring arm-ha: not disarmed')
  if (manager.disarm.mode === 'ignore') findAgain(round)
  delete manager.disarm
}

/** Guests may have been moved by hand meanwhile. */
function findAgain({ services, env }: Round) {
  for (const [sid, service] of Object.entries(services)) {
    const place = env.guest(sid)?.node
    if (place === undefined || place === service.node) continue
    service.node = place
  }
}

/** On its way to somewhere: what is not, waits while HA is being disarmed. */
const UNSETTLED = new Set(['fence', 'recovery', 'migrate', 'relocate'])

/** Whether the manager still decides about a service. */
export const isTracked = ({ config }: Round, { state }: HaService) => !config.manager.disarm || UNSETTLED.has(state)

/** Waits until nothing is on its way, then freezes; disarmed once every online agent says so. */
export function proceedDisarming(round: Round) {
  const { manager } = round.config
  if (manager.disarm?.state !== 'disarming') return
  if (Object.values(round.services).some(({ state }) => UNSETTLED.has(state))) return
  for (const [sid, service] of Object.entries(round.services)) {
    if (manager.disarm.mode === 'ignore') delete service.running
    else if (FREEZES.has(service.state)) enter(round, sid, 'freeze')
  }
  if (round.nodes.online().every((node) => round.modes.get(node) === 'disarm')) manager.disarm.state = 'disarmed'
}

import type { Incident } from '../core/incidents.ts'
import { effects } from './effects.ts'
import type { ClusterEvent } from './event.ts'

/** Guests that fail so close together fail for one reason. */
const stormMs = 60_000
/** A burst of quiet events ends after so long a silence, or after so long a time. */
const burstSilenceMs = 120_000
const burstMs = 30 * 60_000
/** What comes so soon after the end still belongs to the episode: machines going home. */
const aftermathMs = 15 * 60_000
/** The same thing again so soon is the same episode. */
const flapMs = 2 * 60_000

export const msBetween = (from: string, to: string): number => Date.parse(to) - Date.parse(from)

export const isLive = ({ state, quiet }: Incident): boolean => state !== 'resolved' && !quiet
export const isActive = ({ over }: { over?: string }): boolean => over === undefined
export const hasNodeTrouble = ({ troubles }: Incident): boolean =>
  troubles.some((trouble) => isActive(trouble) && trouble.key.startsWith('node '))

/** What an event says of an incident: whose it is. */
export interface Belonging {
  incident: Incident
  /** It was over, by observation, and this is the same thing once more. */
  again?: true
}

/**
 * The incident that an event belongs to; undefined: a new one, or a new burst. Many guests of one node are one
 * incident, what a lost node drags along is its incident, and no quorum or an unseen cluster is one of its own.
 */
export function homeOf(incidents: readonly Incident[], event: ClusterEvent, isQuiet: boolean): Belonging | undefined {
  const newest = [...incidents]
    .filter(({ quiet }) => !quiet)
    .sort((a, b) => Date.parse(b.lastAt) - Date.parse(a.lastAt))
  const live = newest.filter(isLive)
  const found =
    sameThing(live, event) ??
    ofNode(live, event, event.from) ??
    sameGuest(live, event) ??
    ofNode(live, event, event.node) ??
    ofNode(live, event, event.to) ??
    sameCause(live, event)
  if (found) return { incident: found }
  const after = newest.filter((incident) => !isLive(incident) && isAftermath(incident, event))
  const flap = after.find((incident) => isAgain(incident, event))
  if (flap && !isQuiet) return { incident: flap, again: true }
  // Somebody said that it was over: what is known to be wrong goes on quietly, what is new begins anew.
  const known = after.find((incident) => knows(incident, event) || (isQuiet && touches(incident, event)))
  if (known) return { incident: known }
  const burst = isQuiet ? incidents.find((incident) => incident.quiet && isBurst(incident, event)) : undefined
  return burst && { incident: burst }
}

const sameThing = (live: readonly Incident[], event: ClusterEvent) => {
  const effect = effects[event.kind]
  const keys = new Set([effect.makes?.(event), ...(effect.ends?.(event) ?? [])])
  const subject = effect.subject(event)
  return (
    live.find((incident) => incident.subject === subject) ??
    live.find(({ troubles }) => troubles.some((trouble) => isActive(trouble) && keys.has(trouble.key)))
  )
}

/** Of two incidents that name a guest, the one in which it is not well yet. */
const sameGuest = (live: readonly Incident[], { guest }: ClusterEvent) => {
  if (guest === undefined) return undefined
  const named = live.filter((incident) => isAffected(incident, guest) || hasTrouble(incident, `guest ${guest}`))
  return named.find((incident) => !isFine(incident, guest)) ?? named[0]
}

const isAffected = ({ affected }: Incident, guest: string) => affected.some((one) => one.guest === guest)
const isFine = ({ affected }: Incident, guest: string) =>
  affected.some((one) => one.guest === guest && one.state === 'fine')
const hasTrouble = ({ troubles }: Incident, key: string) => troubles.some((one) => isActive(one) && one.key === key)

const ofNode = (live: readonly Incident[], event: ClusterEvent, name: string | undefined) =>
  name === undefined || /^(quorum\.(lost|back)|cluster\.)/.test(event.kind)
    ? undefined
    : live.find(({ node }) => node === name)

/** One fewer vote, a master gone, many machines in error: what another open incident explains. */
const sameCause = (live: readonly Incident[], event: ClusterEvent) => {
  if (event.kind === 'quorum.margin') return live.find(hasNodeTrouble)
  if (event.guest === undefined || effects[event.kind].makes === undefined) return undefined
  return live.find(
    ({ troubles, lastAt }) =>
      troubles.some((trouble) => isActive(trouble) && trouble.key.startsWith('guest ')) &&
      Math.abs(msBetween(lastAt, event.at)) <= stormMs,
  )
}

const isAftermath = (incident: Incident, event: ClusterEvent) =>
  msBetween(incident.lastAt, event.at) <= aftermathMs || incident.troubles.some(isActive)

const isAgain = ({ subject, resolved, lastAt }: Incident, event: ClusterEvent) =>
  resolved?.by === undefined &&
  effects[event.kind].makes?.(event) !== undefined &&
  effects[event.kind].subject(event) === subject &&
  msBetween(lastAt, event.at) <= flapMs

/** It brings nothing wrong that this one did not have. */
const knows = ({ troubles, subject, node }: Incident, event: ClusterEvent) => {
  const { makes, ends } = effects[event.kind]
  const made = makes?.(event)
  const keys = [made, ...(ends?.(event) ?? [])]
  if (troubles.some((trouble) => isActive(trouble) && keys.includes(trouble.key))) return true
  return made === undefined && (effects[event.kind].subject(event) === subject || (!!node && event.from === node))
}

const touches = ({ node, affected }: Incident, event: ClusterEvent) =>
  (node !== undefined && [event.node, event.from, event.to].includes(node)) ||
  affected.some(({ guest }) => guest === event.guest)

const isBurst = ({ openedAt, lastAt }: Incident, event: ClusterEvent) =>
  msBetween(lastAt, event.at) <= burstSilenceMs && msBetween(openedAt, event.at) <= burstMs

import type { Found, Say } from './speaking.ts'

/** What the configuration says about who learns of trouble. */
export interface OncallLook {
  /** Of the rotation; empty: there is none. `isReached`: has an account on a platform that is on. */
  people: readonly { name: string; isReached: boolean }[]
  /** `unseen`: this process does not hold the secret of the way back. */
  pager: 'none' | 'unseen' | 'one-way' | 'both-ways'
  hasHeartbeat: boolean
}

/** Whether anybody would learn of trouble, and of the end of this bot. */
export const oncallChecks = (look: OncallLook, say: Say): Found[] => [
  rotationCheck(look, say),
  pagerCheck(look, say),
  heartbeatCheck(look, say),
]

function rotationCheck({ people }: OncallLook, say: Say): Found {
  const what = say('oncall')
  const names = (all: OncallLook['people']) => all.map(({ name }) => name).join(', ')
  if (people.length === 0) {
    const next = ['# oncall: { rotation: { everyone: [ana, luis] } }']
    return { what, verdict: 'warn', found: say('oncallNobody'), next }
  }
  const lost = people.filter(({ isReached }) => !isReached)
  if (lost.length === 0) return { what, verdict: 'pass', found: say('oncallPass', { names: names(people) }) }
  const next = [`# people: [{ name: ${lost[0]!.name}, ids: ["slack:U1"] }]`]
  return { what, verdict: 'fail', found: say('oncallLost', { names: names(lost) }), next }
}

function pagerCheck({ pager }: OncallLook, say: Say): Found {
  const what = say('pager')
  if (pager === 'unseen') return { what, verdict: 'pass', found: say('pagerUnseen') }
  if (pager === 'both-ways') return { what, verdict: 'pass', found: say('pagerPass') }
  return pager === 'none'
    ? {
        what,
        verdict: 'warn',
        found: say('pagerNone'),
        next: ['# oncall: { pager: { url: …, key: … } }, docs/oncall.md'],
      }
    : { what, verdict: 'warn', found: say('pagerOneWay'), next: ['# oncall.pager.hookSecret, docs/oncall.md'] }
}

function heartbeatCheck({ hasHeartbeat }: OncallLook, say: Say): Found {
  const what = say('heartbeat')
  if (hasHeartbeat) return { what, verdict: 'pass', found: say('heartbeatPass') }
  return {
    what,
    verdict: 'warn',
    found: say('heartbeatNone'),
    next: ['# heartbeat: { url: …, every: 60s }, docs/oncall.md'],
  }
}

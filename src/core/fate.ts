import { fill, type Values } from './language.ts'
import type { Words } from './ports.ts'

/** A fate as `src/ha/impact.ts` foretells it; core names no outcomes. */
interface Fate {
  from: string
  to?: string
  home?: string
  outcome: keyof Words['ha']['impact']['outcomes']
  code: keyof Words['ha']['impact']['fates']
  values: Values
  tight?: true
}

/** What becomes of a machine, and why, in the reader's words. */
export function tellFate(fate: Fate, words: Words): [then: string, why: string] {
  const { outcomes, fates, tight, homeAgain } = words.ha.impact
  const values = { ...fate.values, node: fate.from, to: fate.to ?? '', home: fate.home ?? '' }
  const then = [
    fill(outcomes[fate.outcome], values),
    ...(fate.home === undefined ? [] : [fill(homeAgain, values)]),
    ...(fate.tight ? [fill(tight, values)] : []),
  ]
  return [then.join('; '), fill(fates[fate.code], values)]
}

/** The same in a drill, which at its end starts again itself what nobody else does. */
export function tellInDrill(fate: Fate, words: Words): [then: string, why: string] {
  const { down, again, alone } = words.ha.drill
  const values = { ...fate.values, node: fate.from }
  const [then, why] = tellFate(fate, words)
  if (fate.code === 'not-ha') return [fill(again, values), fill(alone, values)]
  return [fate.outcome === 'down' ? fill(down, values) : then, why]
}

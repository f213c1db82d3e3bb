import { fill } from './language.ts'
import type { Words } from './ports.ts'

interface Gate {
  code: keyof Words['ha']['drill']['gates']
  verdict: 'pass' | 'warn' | 'fail'
  about: string
  accept?: readonly string[]
}

/** A gate in words: what must be so, or, where it is not, what is and what to do first. */
export function tellGate(
  { code, verdict, about, accept = [] }: Gate,
  node: string,
  { gates, unmet }: Words['ha']['drill'],
): string {
  const said = fill((verdict === 'pass' ? gates : unmet)[code], { node, accept: accept.join(',') })
  return about === '' ? said : `${said} (${about})`
}

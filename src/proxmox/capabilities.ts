import type { Capabilities, Version } from './port.ts'

/**
 * What a version can do. Rules took the place of groups in 9.0, where groups answer 500 once they have been migrated.
 * From the API schemas of 7.2, 8.4 and 9.1.
 */
function capabilitiesOf(version: Version): Capabilities {
  const isAtLeast = (major: number, minor: number) =>
    version.major > major || (version.major === major && version.minor >= minor)
  return { version, haRules: isAtLeast(9, 0), haGroups: !isAtLeast(9, 0) }
}

/** A cluster may be upgraded while we run. */
const GOOD_FOR_MS = 10 * 60_000

/**
 * Asks once and remembers, for ten minutes or until `forget`. Those who ask at the same time share one request; a
 * request that failed is not remembered.
 */
export class CapabilityProbe {
  readonly #ask: () => Promise<Version>
  readonly #now: () => number
  #known: { since: number; answer: Promise<Capabilities> } | undefined

  constructor(ask: () => Promise<Version>, now: () => number) {
    this.#ask = ask
    this.#now = now
  }

  get(): Promise<Capabilities> {
    if (this.#known && this.#now() - this.#known.since < GOOD_FOR_MS) return this.#known.answer
    const known = { since: this.#now(), answer: this.#ask().then(capabilitiesOf) }
    this.#known = known
    known.answer.catch(() => {
      if (this.#known === known) this.#known = undefined
    })
    return known.answer
  }

  /** After a failure that a change of version would explain. */
  forget(): void {
    this.#known = undefined
  }
}

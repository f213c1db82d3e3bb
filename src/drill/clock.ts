/** Two readings of Proxmox's clock must lie so far apart, ms, to tell how fast a simulated one goes. */
const apartMs = 1500
/** What is slower than this is a clock like ours. */
const fast = 3

/** Proxmox's clock between two readings of it, in seconds; only a simulated one does not go as fast as ours. */
export class FarClock {
  readonly #isReal: boolean
  readonly #readings: { wall: number; at: number }[] = []

  constructor(isReal: boolean) {
    this.#isReal = isReal
  }

  read(at: number, wall = performance.now()): void {
    this.#readings.push({ wall, at })
    while (this.#readings.length > 2 && wall - this.#readings[1]!.wall > apartMs) this.#readings.shift()
  }

  /** Milliseconds since it was read; for ever, when it never was. */
  age(wall = performance.now()): number {
    return wall - (this.#readings.at(-1)?.wall ?? Number.NEGATIVE_INFINITY)
  }

  /** Seconds of it for one of ours. */
  get #rate(): number {
    const [first, last] = [this.#readings[0], this.#readings.at(-1)]
    if (this.#isReal || !first || !last || last.wall - first.wall < apartMs) return 1
    const rate = ((last.at - first.at) * 1000) / (last.wall - first.wall)
    return rate < fast ? 1 : rate
  }

  now(wall = performance.now()): number {
    const last = this.#readings.at(-1)
    return last === undefined ? 0 : last.at + ((wall - last.wall) / 1000) * this.#rate
  }
}

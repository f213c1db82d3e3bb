/** Shares few requests among many: whoever waited longest comes first, and nobody is asked twice at a time. */
export class Turns<T extends object> {
  readonly #lastTurn = new WeakMap<T, number>()
  readonly #underWay = new WeakSet<T>()
  #turn = 0

  /** At most `most` of the candidates; those that are `urgent` go before the others. */
  pick(candidates: readonly T[], most: number, urgent: (candidate: T) => boolean): T[] {
    const rank = (one: T) => [urgent(one) ? 0 : 1, this.#lastTurn.get(one) ?? 0] as const
    return candidates
      .filter((one) => !this.#underWay.has(one))
      .map((one) => ({ one, rank: rank(one) }))
      .sort((a, b) => a.rank[0] - b.rank[0] || a.rank[1] - b.rank[1])
      .slice(0, most)
      .map(({ one }) => one)
  }

  async take(one: T, work: () => Promise<void>): Promise<void> {
    this.#turn++
    this.#lastTurn.set(one, this.#turn)
    this.#underWay.add(one)
    try {
      await work()
    } finally {
      this.#underWay.delete(one)
    }
  }
}

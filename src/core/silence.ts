/** One question to a guest: when it was asked, and whether it answered. */
export interface Sample {
  at: number
  ok: boolean
}

/** How long a guest gave no answer: from each first question in vain to the next that was answered. */
export function silenceOf(samples: readonly Sample[]): number {
  let total = 0
  let since: number | undefined
  const ordered = [...samples].sort((a, b) => a.at - b.at)
  for (const { at, ok } of ordered) {
    if (!ok) since ??= at
    else if (since !== undefined) {
      total += at - since
      since = undefined
    }
  }
  return total + (since === undefined ? 0 : ordered.at(-1)!.at - since)
}

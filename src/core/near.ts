/** Edits (insert, delete, replace, swap of neighbours) that turn `a` into `b`: optimal string alignment. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, rows[i - 1]![j - 1]! + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1)
      row.push(best)
    }
    rows.push(row)
  }
  return rows[a.length]![b.length]!
}

/** "Did you mean": the candidates close to what was typed, closest first, at most `most`. */
export function near(typed: string, candidates: Iterable<string>, most = 3): string[] {
  const word = typed.toLowerCase().slice(0, 64)
  const allowed = word.length <= 4 ? 1 : word.length <= 6 ? 2 : 3
  return [...new Set(candidates)]
    .map((candidate) => {
      const other = candidate.toLowerCase()
      const starts = word.length >= 2 && (other.startsWith(word) || other.includes(word))
      return { candidate, d: starts ? 0.5 : distance(word, other.slice(0, 64)) }
    })
    .filter(({ d }) => d <= allowed)
    .sort((a, b) => a.d - b.d || a.candidate.localeCompare(b.candidate))
    .slice(0, most)
    .map(({ candidate }) => candidate)
}

import type { Head, WriteAudit } from '../core/audit.ts'

interface Ports {
  head(): Promise<Head>
  /** Notes the head outside of Redis. */
  note(at: string, head: Head): void
  /** True for one process of all. */
  first(name: string): Promise<boolean>
  /** Tells people the head of the day. */
  post(day: string, head: Head): Promise<void>
  letGo(before: number): Promise<number>
  append: WriteAudit
  now(): number
  report(error: unknown): void
}

const lookEveryMs = 10 * 60_000
/** As long as a year's questions are asked. */
const keepMs = 400 * 24 * 3600_000

/**
 * Notes the head at once and then once a day; the first process of a day also posts it for people to keep, and lets go
 * of entries older than 400 days. Returns the way to stop.
 */
export function keepDaily(ports: Ports): () => void {
  let noted: string | undefined
  const look = async () => {
    const at = new Date(ports.now()).toISOString()
    const day = at.slice(0, 10)
    if (noted === day) return
    const head = await ports.head()
    if (head.startsWith('0.')) return
    ports.note(at, head)
    noted = day
    if (!(await ports.first(day))) return
    await ports.post(day, head)
    const gone = await ports.letGo(ports.now() - keepMs)
    if (gone > 0) await ports.append({ kind: 'trimmed', result: String(gone) })
  }
  const turn = () => void look().catch(ports.report)
  turn()
  const timer = setInterval(turn, lookEveryMs)
  timer.unref()
  return () => clearInterval(timer)
}

import { appendFile, mkdir, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const dayMs = 24 * 3600_000
/** A job is not begun any more when its order is older. */
export const orderLivesMs = dayMs
/** One that has caused a task may be taken up again for longer: tasks may take days. */
export const begunOrderLivesMs = 7 * dayMs
/** An event that Redis kept from the chat may become an order for a day; then nothing signed can bring an ended job back. */
export const eventLivesMs = dayMs
/** Whole days, and one more for the clocks of several hosts. */
const keepDays = (begunOrderLivesMs + eventLivesMs) / dayMs + 2

/**
 * Which jobs have ended on this machine, in files beside the key: whoever can write to Redis can take back everything
 * that it says of an ended job and queue it once more, but not this. One file a day, only ever added to; several
 * processes of a machine share them.
 */
export class EndedJobs {
  readonly #folder: string
  readonly #now: () => number
  readonly #days = new Map<string, { read: number; jobs: Map<string, string> }>()
  #openDay = ''

  /** @param name of the folder: what this machine has ended itself, or what it was told */
  constructor(dataDir: string, now: () => number, name = 'ended-jobs') {
    this.#folder = join(dataDir, name)
    this.#now = now
  }

  /** @param state one word: `ok`, `failed`, `cancelled` */
  async add(id: string, state: string): Promise<void> {
    const day = dayOf(this.#now())
    if (day !== this.#openDay) await this.#begin(day)
    await appendFile(join(this.#folder, day), `${id} ${state}\n`, { mode: 0o600 })
  }

  /** The state in which it ended; undefined if it did not end here. */
  async of(id: string): Promise<string | undefined> {
    const now = this.#now()
    // Tomorrow too: another process may be a little ahead.
    for (let back = -1; back < keepDays; back++) {
      const state = (await this.#jobs(dayOf(now - back * dayMs), back < 2)).get(id)
      if (state !== undefined) return state
    }
    return undefined
  }

  async #begin(day: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    const oldest = dayOf(this.#now() - keepDays * dayMs)
    const old = (await readdir(this.#folder)).filter((file) => /^\d{4}-\d\d-\d\d$/.test(file) && file < oldest)
    for (const file of old) {
      await rm(join(this.#folder, file), { force: true })
      this.#days.delete(file)
    }
    this.#openDay = day
  }

  /** A day's jobs. What was added since is read where the day may still grow. */
  async #jobs(day: string, grows: boolean): Promise<Map<string, string>> {
    const known = this.#days.get(day)
    if (known && !grows) return known.jobs
    const { read, jobs } = known ?? { read: 0, jobs: new Map<string, string>() }
    const added = await textFrom(join(this.#folder, day), read)
    const whole = added.slice(0, added.lastIndexOf('\n') + 1)
    for (const line of whole.split('\n')) {
      const [id, state] = line.split(' ')
      if (id && state) jobs.set(id, state)
    }
    this.#days.set(day, { read: read + Buffer.byteLength(whole), jobs })
    return jobs
  }
}

const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10)

async function textFrom(path: string, position: number): Promise<string> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!file) return ''
  try {
    const { size } = await file.stat()
    const bytes = Buffer.alloc(Math.max(0, size - position))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, position)
    return bytes.toString('utf8', 0, bytesRead)
  } finally {
    await file.close()
  }
}

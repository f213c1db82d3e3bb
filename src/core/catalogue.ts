import type { Command, Group } from './command.ts'
import { near } from './near.ts'
import type { Token } from './parse.ts'
import type { Worker } from './worker.ts'

export interface Entry {
  /** What people type: `vm create`, `ct start`, `access realm list`, `help`. */
  path: string
  /** The first word, where the path has several. */
  group?: string
  command: Command
  /** The file it stands in, when that is another path: `ct start` stands in `vm start`. */
  file: string
}

/** All commands and workers, by name. The files' paths are the names; whoever loads them hands them in. */
export class Catalogue {
  readonly entries: readonly Entry[]
  readonly groups: ReadonlyMap<string, Group>
  readonly #byPath: ReadonlyMap<string, Entry>
  readonly #workers: ReadonlyMap<string, Worker>
  readonly #workerNames: ReadonlyMap<Worker, string>

  constructor(parts: {
    commands: ReadonlyMap<string, Command>
    groups: ReadonlyMap<string, Group>
    workers: ReadonlyMap<string, Worker>
  }) {
    const entries: Entry[] = []
    for (const [file, command] of parts.commands) {
      const [first = '', second] = file.split(' ')
      entries.push({ path: file, file, command, ...(second === undefined ? {} : { group: first }) })
      for (const group of command.also ?? [])
        entries.push({ path: `${group} ${second ?? first}`, file, command, group })
    }
    this.entries = entries.sort((a, b) => a.path.localeCompare(b.path))
    this.#byPath = new Map(this.entries.map((entry) => [entry.path, entry]))
    this.groups = parts.groups
    this.#workers = parts.workers
    this.#workerNames = new Map([...parts.workers].map(([name, worker]) => [worker, name]))
  }

  get(path: string): Entry | undefined {
    return this.#byPath.get(path)
  }

  worker(name: string): Worker | undefined {
    return this.#workers.get(name)
  }

  workerName(worker: Worker): string {
    const name = this.#workerNames.get(worker)
    if (name === undefined) throw new Error('a command asked for a worker that is not in workers/')
    return name
  }

  /** The command that a line begins with, and what is left of the line; or what might have been meant. */
  find(
    tokens: readonly Token[],
  ): { entry: Entry; rest: readonly Token[] } | { unknown: string; near: string[] } | undefined {
    const first = tokens[0]?.text.toLowerCase()
    if (first === undefined) return undefined
    const second = tokens[1]?.text.toLowerCase()
    const third = tokens[2]?.text.toLowerCase()
    const three = third === undefined ? undefined : this.get(`${first} ${second} ${third}`)
    if (three) return { entry: three, rest: tokens.slice(3) }
    const two = second === undefined ? undefined : this.get(`${first} ${second}`)
    if (two) return { entry: two, rest: tokens.slice(2) }
    const one = this.get(first)
    if (one) return { entry: one, rest: tokens.slice(1) }
    const isGroup = this.groups.has(first)
    const typed = second === undefined || !isGroup ? first : `${first} ${second}`
    if (isGroup) {
      const inGroup = this.entries.filter(({ group }) => group === first)
      const close =
        second === undefined
          ? []
          : near(
              second,
              inGroup.map(({ path }) => path.slice(first.length + 1)),
            )
      return {
        unknown: typed,
        near: close.length > 0 ? close.map((word) => `${first} ${word}`) : inGroup.map(({ path }) => path).slice(0, 12),
      }
    }
    const whole = second === undefined ? first : `${first} ${second}`
    // Only the space was left out: nothing else can be meant.
    const joined = this.entries.find(({ path }) => path.replaceAll(' ', '') === whole.replaceAll(' ', ''))
    if (joined) return { unknown: whole, near: [joined.path] }
    const paths = near(whole, this.#byPath.keys())
    if (paths.length > 0) return { unknown: whole, near: paths }
    const groups = near(first, [...this.groups.keys(), ...this.#byPath.keys()])
    const completed = groups.map((group) =>
      second !== undefined && this.get(`${group} ${second}`) ? `${group} ${second}` : group,
    )
    return { unknown: typed, near: completed }
  }
}

import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** The folder of the compiled bench; `../../src` beside it is the product. */
const here = import.meta.dirname
export const cli = join(here, '../../src/cli.js')
export const root = join(here, '../../..')

/** How long a process may take to end when it is asked to. */
const endWithinMs = 8000

/** What a part of the bench has started. All of it ends with the part, the newest first, also when the part fails. */
export class Stage {
  /** Tells the person who waits. */
  readonly say: (line: string) => void
  readonly #closers: (() => Promise<unknown>)[] = []
  #stopped = false

  constructor(say: (line: string) => void) {
    this.say = say
  }

  /** @throws when the bench is being stopped; what was just started is ended at once */
  defer(close: () => Promise<unknown>): void {
    this.#closers.push(close)
    if (!this.#stopped) return
    void this.end()
    throw new Error('the bench was stopped')
  }

  async end(): Promise<void> {
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      await close().catch((error) => this.say(`while cleaning up: ${error}`))
    }
  }

  /** Ends everything, for good: nothing can be started any more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.end()
  }

  get isStopped(): boolean {
    return this.#stopped
  }

  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'quorum-bench-'))
    this.defer(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }))
    return folder
  }

  /** A program of its own, with only these variables in its environment; its lines are read until one is wanted. */
  spawn(args: string[], env: Record<string, string>): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: root,
      env: { ...bareEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.defer(() => ended(child))
    return child
  }

  /** A process that loads one of the bench's own programs and nothing of the product. */
  fork(program: string, orders: Serializable): ChildProcess {
    const options = { cwd: root, env: bareEnvironment(), execArgv: [] }
    const child = fork(join(here, 'run.js'), ['--program', program], options)
    child.send(orders)
    this.defer(() => ended(child))
    return child
  }
}

/** Nothing of the caller's: a token or a REDIS_URL there would change what is measured. */
const bareEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  HOME: process.env.HOME ?? tmpdir(),
})

/** Asks a process to end, and ends it when it does not. */
export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), endWithinMs)
  await exit
  clearTimeout(timer)
}

/** The first line of a program that contains the text. Its later lines are read and dropped. */
export async function lineWith(child: ChildProcess, text: string): Promise<string> {
  if (!child.stdout) throw new Error('the process was started without a pipe')
  const lines = createInterface({ input: child.stdout })
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => line.includes(text) && resolve(line))
    child.once('exit', (code) => reject(new Error(`a process ended with ${code} before it said "${text}"`)))
  })
}

/** The next thing that a forked program tells. */
export async function told<T>(child: ChildProcess): Promise<T> {
  const gone = new AbortController()
  const onExit = () => gone.abort(new Error('a program of the bench ended too early'))
  child.once('exit', onExit)
  try {
    const [message] = await once(child, 'message', { signal: gone.signal })
    return message as T
  } finally {
    child.off('exit', onExit)
  }
}

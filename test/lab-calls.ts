/** Calls to a simulated cluster, and its tasks followed to their end. */
import type { RunningSim } from '../src/lab/sim.ts'
import { findTask, type TaskRecord } from '../src/lab/tasks.ts'
import { type Answer, Player, type Recording } from './replay.ts'

export interface Called {
  status: number
  /** The first line of a refusal. */
  reason: string
  data: unknown
  errors?: Record<string, string>
}

export class Caller {
  readonly sim: RunningSim
  readonly player: Player

  constructor(sim: RunningSim) {
    this.sim = sim
    this.player = new Player(sim)
  }

  async close() {
    this.player.close()
    await this.sim.close()
  }

  /** As the acting bot, by way of the first node that is up unless `by` names another. */
  async call(method: string, path: string, params: Record<string, unknown> = {}, by?: string): Promise<Called> {
    const up = this.sim.cluster.nodes.find((node) => node.power === 'on')
    const made = { seq: '', name: '', node: by ?? up?.name ?? '', auth: 'token quorum@pve!bot', method, path, params }
    const rest = { encoding: null, contentType: null, status: 200, reason: 'OK', elapsedMs: 0, body: null }
    return read(await this.player.send({ ...made, ...rest } satisfies Recording))
  }

  /** Makes a call that starts a task; throws when it is refused at once. */
  async begin(method: string, path: string, params: Record<string, unknown> = {}): Promise<TaskRecord> {
    const { data, reason, errors } = await this.call(method, path, params)
    if (typeof data !== 'string') throw new Error(`${method} ${path}: ${reason} ${JSON.stringify(errors ?? {})}`)
    for (const node of this.sim.cluster.nodes) {
      const task = findTask(node, data)
      if (task) return task
    }
    throw new Error(`no task ${data}`)
  }

  /** As `begin`, and waits for the end. */
  async run(method: string, path: string, params: Record<string, unknown> = {}): Promise<TaskRecord> {
    return this.end(await this.begin(method, path, params))
  }

  async end(task: TaskRecord): Promise<TaskRecord> {
    while (task.endtime === undefined) await this.sim.cluster.clock.sleep(0.5)
    return task
  }
}

function read({ status, reason, body }: Answer): Called {
  const { data, errors } = body as { data: unknown; errors?: Record<string, string> }
  return { status, reason, data, ...(errors === undefined ? {} : { errors }) }
}

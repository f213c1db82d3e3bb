import { Refused } from '../../src/core/errors.ts'
import type { Message } from '../../src/core/message.ts'
import { Secret } from '../../src/core/secret.ts'
import type { ChangeLook, EffectLook, Outcome, RunContext, Worker } from '../../src/core/worker.ts'
import { explainLine } from '../../src/proxmox/explain.ts'
import { catalogue, type Enqueued, Stage, words } from './stage.ts'

/** Runs a job that was handed over: its worker's own code on the simulated cluster, whose clock moves as it waits. */
export async function runJob(
  stage: Stage,
  job: Pick<Enqueued, 'id' | 'worker' | 'payload' | 'node' | 'since'>,
  secret = 'told-by-nobody',
  more: Partial<RunContext<unknown, never>> = {},
): Promise<Outcome> {
  const worker = catalogue.worker(job.worker) as Worker
  const { clock } = stage.sim.cluster
  const context = {
    payload: worker.payload.parse(job.payload),
    job: { id: job.id, cluster: 'main', attempt: 1, ordered: { node: job.node, at: job.since } },
    proxmox: stage.proxmox,
    step: (_: string, work: () => Promise<unknown>) => work(),
    async change(_: string, { isSo, act }: ChangeLook) {
      if (await isSo()) return 'there'
      await act()
      return 'made'
    },
    effect: (_: string, { act }: EffectLook) => act(),
    async follow(_: string, upid: string) {
      for (;;) {
        const { exit, starttime } = await stage.proxmox.task(upid)
        if (exit === 'OK') return { upid, exit, log: [], starttime }
        if (exit !== undefined) {
          const cause = explainLine(exit)
          const values = { type: upid.split(':')[5] ?? '', ...cause?.values }
          throw new Refused(cause?.code ?? 'task-failed', values, { raw: exit })
        }
        await clock.advance(1)
      }
    },
    async until<T>(look: () => Promise<T | undefined>, times: { everyMs: number; withinMs: number }) {
      for (let left = times.withinMs / 1000; ; left -= 2) {
        const value = await look()
        if (value !== undefined || left <= 0) return value
        await clock.advance(2)
      }
    },
    secret: async () => new Secret(secret),
    drills: stage.drills,
    shows: async () => {},
    words: words.en,
    say: (key: string, values?: object) => (values ? `${key} ${JSON.stringify(values)}` : key),
    signal: AbortSignal.timeout(60_000),
    ...more,
  } as unknown as RunContext<unknown, never>
  return worker.run(context)
}

/** Types a line, confirms it where that is asked, and runs the job to its end. */
export async function done(stage: Stage, line: string, who = 'operator'): Promise<Message & { outcome?: Outcome }> {
  const before = stage.enqueued.length
  let card: Message & { key?: string } = await stage.say(line, who)
  if (card.state === 'waiting') card = (await stage.click(card.key!, 'confirm', who)).message
  const job = stage.enqueued[before]
  return job ? { ...card, outcome: await runJob(stage, job) } : card
}

export const fieldOf = (message: Pick<Message, 'fields'>, name: string): string | undefined =>
  message.fields?.find((one) => one.name === name)?.value

export const warningsOf = (message: Pick<Message, 'fields'>): string[] =>
  (message.fields ?? []).filter(({ name }) => name === 'Warning').map(({ value }) => value)

/** A stage whose clock is moved by hand, with small machines on the shared storage. */
export async function openHaStage(options: { pve?: '7.2' | '8.4' | '9.2' } = {}): Promise<Stage> {
  const stage = await Stage.open(options)
  for (const [i, name] of ['web', 'db', 'mail'].entries()) {
    await stage.machine(100 + i, name, { running: true, config: { scsi0: 'Storage:1' } })
  }
  stage.sim.cluster.clock.setSpeed(1)
  return stage
}

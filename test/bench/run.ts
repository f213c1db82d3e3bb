/**
 * `npm run bench [-- --only NAME,NAME]`: measures the product and prints one JSON document on standard output; progress
 * goes to standard error. A missed target shows as `"holds": false` and is no failure; a part that could not be measured is.
 * Everything is loaded when it is needed: `--program` runs this file as one of the bare processes that give the floors.
 */
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Figure } from './figures.ts'
import type { Stage } from './stage.ts'

type Part = { measure(stage: Stage): Promise<Figure[]> }

const parts: Record<string, () => Promise<Part>> = {
  'first-message': () => import('./first-message.ts'),
  'job-overhead': () => import('./job-overhead.ts'),
  'slack-acks': () => import('./slack-acks.ts'),
  'slack-cards': () => import('./slack-cards.ts'),
  'tracked-tasks': () => import('./tracked-tasks.ts'),
  'idle-worker': () => import('./idle-worker.ts'),
  'lab-idle': () => import('./lab-idle.ts'),
  'lab-start': () => import('./lab-start.ts'),
  'host-check': () => import('./host-check.ts'),
  drill: () => import('./drill.ts'),
  pager: () => import('./pager.ts'),
  'join-saga': () => import('./join-saga.ts'),
  'blueprint-again': () => import('./blueprint-again.ts'),
  'seven-days': () => import('./seven-days.ts'),
  'watch-diff': () => import('./watch-diff.ts'),
  'watch-latency': () => import('./watch-latency.ts'),
  'watch-size': () => import('./watch-size.ts'),
}

const programs: Record<string, () => Promise<{ main(): void }>> = {
  'bare-bullmq': () => import('./bare-bullmq.ts'),
  'bare-bolt': () => import('./bare-bolt.ts'),
  'bare-https': () => import('./bare-https.ts'),
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, program: { type: 'string' } } })
  if (values.program !== undefined) {
    const { main: run } = await chosen(programs, values.program)()
    return run()
  }
  const names = values.only?.split(',') ?? Object.keys(parts)
  const picked = names.map((name) => [name, chosen(parts, name)] as const)
  const say = (line: string) => console.error(`bench: ${line}`)
  const { Stage, root } = await import('./stage.ts')
  process.chdir(root)
  const stage = new Stage(say)
  stopWith(stage)
  const before = { startedAt: new Date().toISOString(), loadAverage: loadavg() }
  const figures: Figure[] = []
  const failed: { name: string; error: string }[] = []
  for (const [name, load] of picked) {
    if (stage.isStopped) return
    say(`${name} …`)
    try {
      const { measure } = await load()
      figures.push(...(await measure(stage)))
    } catch (error) {
      if (stage.isStopped) return
      failed.push({ name, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      say(`${name} could not be measured: ${error}`)
    } finally {
      await stage.end()
    }
  }
  console.log(
    JSON.stringify({ machine: machine(), ...before, figures, ...(failed.length > 0 ? { failed } : {}) }, null, 2),
  )
  process.exit(failed.length > 0 ? 1 : 0)
}

function chosen<T>(from: Record<string, T>, name: string): T {
  const found = Object.hasOwn(from, name) ? from[name] : undefined
  if (found !== undefined) return found
  console.error(`The bench has no part "${name}": it has ${Object.keys(parts).join(', ')}.`)
  process.exit(1)
}

const machine = () => ({
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  cpu: cpus()[0]?.model ?? '',
  cores: availableParallelism(),
})

/** A bench that is stopped leaves no process and no folder behind. */
function stopWith(stage: Stage): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      setTimeout(() => process.exit(130), 10_000).unref()
      void stage.stop().then(() => process.exit(130))
    })
  }
}

await main()

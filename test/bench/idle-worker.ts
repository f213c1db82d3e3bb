import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Crew } from '../crew.ts'
import { type Figure, round } from './figures.ts'
import { type Stage, told } from './stage.ts'

const idleMs = 10_000
const target = 150

/** What a worker process that has nothing to do keeps in memory, beside bare processes that were idle as long. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const crew = await Crew.start()
  stage.defer(() => crew.close())
  const worker = await crew.worker('idle')
  const node = stage.spawn(['-e', 'setInterval(() => {}, 1e9)'], {})
  const bullmq = stage.fork('bare-bullmq', { redisUrl: crew.redis.url, prefix: 'bare' })
  await told(bullmq)
  await delay(idleMs)
  const measured = { worker: await residentMb(worker.pid) }
  return [
    {
      name: 'idle-worker',
      what: `resident memory of a \`quorum worker\` process, with one cluster, after ${idleMs / 1000} s without work`,
      unit: 'MB',
      samples: 1,
      measured,
      floor: { node: await residentMb(node.pid!), 'node + bullmq': await residentMb(bullmq.pid!) },
      target: `worker < ${target}`,
      holds: measured.worker < target,
    },
  ]
}

/** As the kernel counts it; megabytes of 10⁶ bytes. Where there is no /proc, `ps` is asked. */
async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  const kib = status
    ? /^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]
    : (await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)])).stdout
  if (!kib) throw new Error(`no memory figure for process ${pid}`)
  return round((Number(kib) * 1024) / 1e6)
}

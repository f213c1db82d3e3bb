import { Worker } from 'bullmq'
import { parseRedisUrl } from '../../src/config/redis-url.ts'
import { connect, takeover } from '../../src/jobs/redis.ts'

export interface BareOrders {
  redisUrl: string
  prefix: string
}

export interface Started {
  id: string
  /** Nanoseconds of the machine's monotonic clock, which all its processes share. */
  at: string
}

export const bareQueue = 'bare'

/** BullMQ alone: a worker with our settings whose jobs do nothing but say when they started. */
export function main(): void {
  process.once('message', async ({ redisUrl, prefix }: BareOrders) => {
    const connection = connect(parseRedisUrl(redisUrl), 'patient', () => {})
    const worker = new Worker(
      bareQueue,
      async (job) => {
        const started: Started = { id: job.id ?? '', at: String(process.hrtime.bigint()) }
        process.send?.(started)
      },
      { connection: connection as never, prefix, ...takeover },
    )
    worker.on('error', () => {})
    await worker.waitUntilReady()
    process.send?.('ready')
  })
  process.once('disconnect', () => process.exit(0))
}

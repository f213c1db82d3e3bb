import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { chatOf, workspace } from '../slack-crew.ts'
import type { SlackStandIn } from '../stand-ins/slack/index.ts'
import type { BoltOrders } from './bare-bolt.ts'
import { type Figure, named, percentile, percentiles, round } from './figures.ts'
import { cli, lineWith, type Stage, told } from './stage.ts'

const commands = 200
const withinMs = 1000
const warmUps = 20
const rounds = 3
const target = { p99: 500, longest: 3000, timesBare: 1.5 }

/**
 * 200 commands in one second, to a whole `quorum lab` on the Slack stand-in and to Bolt with an empty handler, by turns:
 * each acknowledgement as Slack sees it. The lab stores every command in Redis before it acknowledges, and answers all.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const [slack, bare] = await Promise.all([workspace(), workspace()])
  stage.defer(async () => void (await Promise.all([slack.close(), bare.close()])))
  const folder = await stage.folder()
  const config = join(folder, 'quorum.json')
  const { chat, roles } = chatOf(slack)
  await writeFile(config, JSON.stringify({ chat, roles }))
  const lab = stage.spawn([cli, 'lab', '--port', '0'], { QUORUM_DATA: folder, QUORUM_CONFIG: config })
  await lineWith(lab, 'Open ')
  const { appToken, botToken, apiUrl } = bare
  const bolt = stage.fork('bare-bolt', { appToken, botToken, apiUrl } satisfies BoltOrders)
  await told(bolt)
  await slack.until(() => slack.sockets() === 2, 20_000)
  for (const one of [slack, bare]) await burst(one, warmUps)
  const ours: number[] = []
  const floor: number[] = []
  for (let i = 0; i < rounds; i++) {
    floor.push(...(await burst(bare, commands)))
    ours.push(...(await burst(slack, commands)))
  }
  const measured = { ...percentiles(ours), longest: round(Math.max(...ours)) }
  const bareFigures = percentiles(floor)
  const times = round(measured.p50 / bareFigures.p50)
  return [
    {
      name: 'slack-acks',
      what: `${commands} slash commands in a second, ${rounds} times: from the envelope sent to its acknowledgement`,
      unit: 'ms',
      samples: ours.length,
      measured,
      floor: named('bare bolt', bareFigures),
      target: `p99 < ${target.p99}, none over ${target.longest}, p50 ≤ ${target.timesBare} × bare Bolt`,
      holds: measured.p99 < target.p99 && measured.longest < target.longest && times <= target.timesBare,
      details: { 'p50 / bare p50': times, 'p50 − bare p50': round(measured.p50 - percentile(floor, 50)) },
    },
  ]
}

/** Evenly over a second; resolves when all are acknowledged. */
async function burst(slack: SlackStandIn, count: number): Promise<number[]> {
  const start = performance.now()
  const sent: Promise<number>[] = []
  for (let i = 0; i < count; i++) {
    const wait = start + (i * withinMs) / commands - performance.now()
    if (wait > 1) await delay(wait)
    sent.push(slack.slash('/pve', 'whoami', { user: 'luis', channel: 'ops' }).then(acknowledged))
  }
  return Promise.all(sent)
}

function acknowledged({ ack, elapsedMs }: { ack?: unknown; elapsedMs: number }): number {
  if (ack === undefined) throw new Error('a command was never acknowledged')
  return elapsedMs
}

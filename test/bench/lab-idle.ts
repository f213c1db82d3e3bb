import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { type Figure, round } from './figures.ts'
import { cli, ended, lineWith, type Stage } from './stage.ts'

const seconds = 10
const target = 10

/** What the simulated cluster costs when nobody asks it anything: its HA daemons have their turns all the same. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const node = stage.spawn(['-e', 'setInterval(() => {}, 1e9)'], {})
  const measured: Record<string, number> = {}
  for (const speed of [1, 10, 100]) {
    const env = { QUORUM_DATA: await stage.folder() }
    const sim = stage.spawn([cli, 'sim', '--port', '0', '--speed', String(speed)], env)
    await lineWith(sim, 'endpoints')
    await delay(1000)
    measured[`at speed ${speed}`] = await cpuMsASecond(sim.pid!)
    stage.say(`sim at speed ${speed}: ${measured[`at speed ${speed}`]} ms a second`)
    await ended(sim)
  }
  return [
    {
      name: 'lab-idle',
      what: `processor time of an idle \`quorum sim\` a second, over ${seconds} s, with no guest under HA`,
      unit: 'ms',
      samples: 1,
      measured,
      floor: { node: await cpuMsASecond(node.pid!) },
      target: `at speed 1 < ${target}`,
      holds: measured['at speed 1']! < target,
    },
  ]
}

async function cpuMsASecond(pid: number): Promise<number> {
  const before = await cpuMs(pid)
  await delay(seconds * 1000)
  return round(((await cpuMs(pid)) - before) / seconds)
}

/** In ticks of a hundredth of a second, as the kernel counts. */
async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const [user = 0, system = 0] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14).map(Number)
  return (user + system) * 10
}

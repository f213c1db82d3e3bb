import { once } from 'node:events'
import { type Figure, median, round } from './figures.ts'
import { cli, ended, lineWith, type Stage } from './stage.ts'

const runs = 3
const target = 8000

/** How long a lab takes from its start until it says that it is ready, each time with a data folder of its own. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const bare: number[] = []
  const ready: number[] = []
  for (let run = 1; run <= runs; run++) {
    bare.push(await timed(async () => void (await once(stage.spawn(['-e', '0'], {}), 'exit'))))
    const env = { QUORUM_DATA: await stage.folder() }
    let lab = undefined as ReturnType<Stage['spawn']> | undefined
    const tookMs = await timed(async () => {
      lab = stage.spawn([cli, 'lab', '--port', '0'], env)
      await lineWith(lab, 'is ready')
    })
    stage.say(`lab ready after ${Math.round(tookMs)} ms`)
    ready.push(tookMs)
    if (lab) await ended(lab)
  }
  const measured = { median: median(ready), longest: round(Math.max(...ready)) }
  return [
    {
      name: 'lab-start',
      what: 'from starting `quorum lab --port 0` with a new data folder until it prints that it is ready',
      unit: 'ms',
      samples: runs,
      measured,
      floor: { 'node -e 0.median': median(bare) },
      target: `median < ${target}`,
      holds: measured.median < target,
    },
  ]
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Memory } from '../src/ha/memory.ts'
import { judge } from '../src/ha/watch.ts'
import { ClusterStatusReply } from '../src/proxmox/replies/cluster.ts'
import { HaStatusReply, ManagerStatusReply } from '../src/proxmox/replies/ha.ts'
import { parseReply } from '../src/proxmox/replies/parse.ts'
import { GuestRows } from '../src/proxmox/replies/resources.ts'
import { TasksReply } from '../src/proxmox/replies/task.ts'
import { lineOf } from './ha-story.ts'

interface Answer {
  status: number
  data: unknown
}
interface Moment {
  t: number
  ha?: Answer
  manager?: Answer
  cluster?: Answer
  vms?: Answer
  tasks_cluster?: Answer
}

/** A real cluster, polled about once a second; t 0 was this moment on its clock. */
function story(file: string, t0: number): string[] {
  const raw = gunzipSync(readFileSync(new URL(`./recordings/${file}`, import.meta.url))).toString()
  const read = <T>(schema: Parameters<typeof parseReply<T>>[0], { data }: Answer) =>
    parseReply(schema, { method: 'GET', path: '/', endpoint: '', data, total: undefined })
  let memory: Memory | undefined
  let last = 0
  const lines: string[] = []
  let known: Moment = { t: 0 }
  for (const moment of JSON.parse(raw) as Moment[]) {
    // Its tasks were asked for alone, at the end.
    const { vms, tasks_cluster: tasks } = moment
    known = { ...known, ...moment }
    const { t, ha, manager, cluster } = known
    if (!ha || !manager || !cluster) continue
    const judged = judge('main', memory && (JSON.parse(JSON.stringify(memory)) as Memory), {
      at: Math.round((t0 + t) * 1000),
      steady: Math.round(t * 1000),
      gap: Math.round((t - last) * 1000),
      ha: read(HaStatusReply, ha),
      manager: read(ManagerStatusReply, manager),
      status: read(ClusterStatusReply, cluster),
      ...(vms ? { resources: { guests: read(GuestRows, vms), storages: [] } } : {}),
      ...(tasks ? { tasks: read(TasksReply, tasks) } : {}),
    })
    memory = judged.memory
    last = t
    for (const event of judged.events) lines.push(lineOf({ t: Math.round(t), nodes: {}, event }))
  }
  return lines
}

const without = (kind: string, lines: string[]) => lines.filter((line) => !line.includes(kind))

test("the seed's validation on the real thing: a shutdown, not a crash; down for about a minute", () => {
  const lines = without('quorum.margin', story('trace-seed-validation.json.gz', 1_795_384_050))
  expect(lines.map((line) => line.replace(/^\d+ /, '').replace(/down \d+ s/, 'down'))).toEqual([
    'node.lost pve1 (planned)',
    'node.fencing pve1 (planned)',
    'node.fenced pve1 (planned)',
    'guest.recovered vm:101 pve1 → pve2 (planned)',
    'guest.running vm:101 (planned, down)',
  ])
  const down = Number(/down (\d+) s/.exec(lines.at(-1)!)?.[1])
  expect(down).toBeGreaterThan(50)
  expect(down).toBeLessThan(90)
})

test('failback on the real thing: moved, and never told as a restart', () => {
  const lines = without('quorum.margin', story('trace-failback.json.gz', 1_795_384_254))
  expect(lines.map((line) => line.replace(/^\d+ /, ''))).toEqual(['node.back pve1', 'guest.moved vm:101 pve2 → pve1'])
})

import { expect, test } from 'vitest'
import type { Bands } from '../src/core/drills.ts'
import { draw } from '../src/picture/draw.ts'
import { chartOf } from '../src/picture/options.ts'

const span = (from: number, to: number, state: Bands['rows'][number]['spans'][number]['state']) => ({
  from: from * 1000,
  to: to * 1000,
  state,
})
const bands: Bands = {
  title: 'Simulacro en pve1: apagado ordenado',
  subtitle: 'previsto pve2, llegó a pve2',
  from: 0,
  to: 163_000,
  axis: 'segundos desde el apagado',
  rows: [
    { name: 'pve1', spans: [span(0, 14, 'leaving'), span(14, 120, 'down'), span(120, 163, 'up')] },
    {
      name: 'vm:100 (Win11)',
      note: 'caída 58 s',
      spans: [span(0, 12, 'up'), span(12, 70, 'down'), span(70, 163, 'up')],
    },
  ],
  marks: [{ at: 80_000, label: 'cercado' }],
  legend: {
    up: 'encendido',
    leaving: 'apagándose',
    down: 'caído',
    fenced: 'cercado',
    moving: 'moviéndose',
    unknown: 'no se sabe',
  },
}

/** Width and height, as the PNG itself has them. */
const sizeOf = (png: Buffer) => [png.readUInt32BE(16), png.readUInt32BE(20)]

test('a drill as bands: a PNG at twice its size, the same each time, while the house goes on', async () => {
  let ticks = 0
  const timer = setInterval(() => {
    ticks += 1
  }, 20)
  const [first, second] = await Promise.all([draw({ kind: 'bands', bands }), draw({ kind: 'bands', bands })])
  clearInterval(timer)
  expect(first.subarray(1, 4).toString()).toBe('PNG')
  const { width, height } = chartOf({ kind: 'bands', bands })
  expect(sizeOf(first)).toEqual([width * 2, height * 2])
  expect(first.equals(second)).toBe(true)
  expect(ticks).toBeGreaterThan(2)
})

test('a state that nobody was in stands in no legend, and the axis ends at a mark', () => {
  const { option } = chartOf({ kind: 'bands', bands })
  const { legend, xAxis } = option as { legend: { data: string[] }; xAxis: { max: number; interval: number } }
  expect(legend.data).toEqual(['encendido', 'apagándose', 'caído'])
  expect(xAxis.max % xAxis.interval).toBe(0)
  expect(xAxis.max).toBeGreaterThanOrEqual(163)
})

test('what cannot be drawn rejects, and ends nothing else', async () => {
  await expect(draw({ kind: 'bands' } as never)).rejects.toThrow()
})

import type { BandState, Bands, Picture, Trend } from '../core/drills.ts'

/** Told apart without colour too: light to dark in the order of trouble. */
const colours: Record<BandState, string> = {
  up: '#2f9e63',
  leaving: '#e3b341',
  down: '#c93c37',
  fenced: '#6e1c1a',
  moving: '#3b7dd8',
  unknown: '#9aa4af',
}

const ink = '#1f2328'
const faint = '#d0d7de'
const font = { fontFamily: 'DejaVu Sans', color: ink }
const bandsWidth = 960
const rowHeight = 44
const top = 120
const bottom = 90

export interface Sized {
  width: number
  height: number
  option: Record<string, unknown>
}

/** The picture as a chart, wide enough for a phone held upright. */
export function chartOf(picture: Picture): Sized {
  return picture.kind === 'bands' ? bandsChart(picture.bands) : trendChart(picture.trend)
}

/** Without a canvas text is measured as if it were thin; bold letters take so much more. */
const boldIsWider = 1.4

/** A long one goes on in a second line. */
function head(title: string, width: number, subtitle?: string) {
  return {
    text: title,
    ...(subtitle === undefined ? {} : { subtext: subtitle, subtextStyle: { ...font, fontSize: 15, color: '#57606a' } }),
    left: 24,
    top: 18,
    textStyle: {
      ...font,
      fontSize: 22,
      fontWeight: 'bold',
      width: (width - 2 * 24) / boldIsWider,
      overflow: 'break',
      lineHeight: 28,
    },
  }
}

function bandsChart({ title, subtitle, from, to, rows, marks, legend, axis }: Bands): Sized {
  const seconds = (ms: number) => (ms - from) / 1000
  const used = Object.keys(colours).filter((state) =>
    rows.some(({ spans }) => spans.some((one) => one.state === state)),
  )
  const whole = Math.max(seconds(to), 1)
  const step = niceStep(whole)
  const series = used.map((state) => ({
    type: 'custom',
    name: legend[state as BandState],
    itemStyle: { color: colours[state as BandState] },
    encode: { x: [1, 2], y: 0 },
    data: rows.flatMap(({ spans }, row) =>
      spans.filter((one) => one.state === state).map((one) => [row, seconds(one.from), seconds(one.to)]),
    ),
    renderItem: bar(colours[state as BandState]),
  }))
  const notes = {
    type: 'custom',
    data: rows.flatMap(({ note }, row) => (note === undefined ? [] : [[row, whole, note]])),
    renderItem: (_: unknown, api: Drawing) => {
      const [x, y] = api.coord([api.value(1), api.value(0)])
      return {
        type: 'text',
        x: x + 8,
        y: y - 8,
        style: { text: rows[Number(api.value(0))]!.note, fontFamily: font.fontFamily, fontSize: 14, fill: ink },
      }
    },
  }
  const lines = {
    type: 'line',
    data: [],
    markLine: {
      symbol: 'none',
      silent: true,
      lineStyle: { color: ink, type: 'dashed', width: 1 },
      label: { ...font, fontSize: 12, rotate: 0, position: 'start' },
      data: marks.map(({ at, label }) => ({ xAxis: seconds(at), label: { formatter: label } })),
    },
  }
  return {
    width: bandsWidth,
    height: top + bottom + rows.length * rowHeight,
    option: {
      animation: false,
      backgroundColor: '#ffffff',
      title: head(title, bandsWidth, subtitle),
      legend: {
        bottom: 12,
        data: used.map((state) => legend[state as BandState]),
        textStyle: { ...font, fontSize: 14 },
        icon: 'roundRect',
        itemGap: 34,
      },
      grid: { left: 170, right: 150, top, bottom },
      xAxis: {
        type: 'value',
        min: 0,
        max: Math.ceil(whole / step) * step,
        interval: step,
        name: axis,
        nameLocation: 'middle',
        nameGap: 30,
        nameTextStyle: { ...font, fontSize: 13 },
        axisLabel: { ...font, fontSize: 13 },
        splitLine: { lineStyle: { color: faint } },
      },
      yAxis: {
        type: 'category',
        inverse: true,
        data: rows.map(({ name }) => (name.length > 20 ? `${name.slice(0, 19)}…` : name)),
        axisLabel: { ...font, fontSize: 14 },
        axisTick: { show: false },
      },
      series: [...series, notes, lines],
    },
  }
}

interface Drawing {
  value(dimension: number): number | string
  coord(point: (number | string)[]): [number, number]
  size(point: number[]): [number, number]
}

const bar = (fill: string) => (_: unknown, api: Drawing) => {
  const [x, y] = api.coord([api.value(1), api.value(0)])
  const [end] = api.coord([api.value(2), api.value(0)])
  const height = api.size([0, 1])[1] * 0.62
  return {
    type: 'rect',
    shape: { x, y: y - height / 2, width: Math.max(end - x, 2), height, r: 3 },
    style: { fill },
  }
}

/** So that about eight marks stand on the axis, and the last of them at its end. */
function niceStep(whole: number): number {
  return [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600].find((step) => whole / step <= 9) ?? 7200
}

const trendWidth = 960
const trendRight = 150

function trendChart({ title, axis, bars, lines }: Trend): Sized {
  const highest = Math.max(...bars.map(({ seconds }) => seconds), ...lines.map(({ seconds }) => seconds), 1)
  const step = niceStep(highest)
  const widest = (trendWidth - 80 - trendRight) / bars.length - 8
  return {
    width: trendWidth,
    height: 560,
    option: {
      animation: false,
      backgroundColor: '#ffffff',
      title: head(title, trendWidth),
      grid: { left: 80, right: trendRight, top: 90, bottom: 110 },
      xAxis: {
        type: 'category',
        data: bars.map(({ label }) => label),
        axisLabel: { ...font, fontSize: 13, interval: 0, width: widest, overflow: 'break', lineHeight: 17 },
        axisTick: { show: false },
      },
      yAxis: {
        type: 'value',
        min: 0,
        max: Math.ceil(highest / step) * step,
        interval: step,
        name: axis,
        nameTextStyle: { ...font, fontSize: 13 },
        axisLabel: { ...font, fontSize: 13 },
        splitLine: { lineStyle: { color: faint } },
      },
      series: [
        {
          type: 'bar',
          barMaxWidth: 60,
          data: bars.map(({ seconds, ok }) => ({
            value: seconds,
            itemStyle: { color: ok ? colours.up : colours.down },
          })),
          label: { show: true, position: 'top', ...font, fontSize: 14, formatter: '{c} s', backgroundColor: '#ffffff' },
          markLine: {
            symbol: 'none',
            silent: true,
            lineStyle: { color: ink, type: 'dashed', width: 1 },
            label: { ...font, fontSize: 13, position: 'end' },
            data: lines.map(({ seconds, label }) => ({ yAxis: seconds, label: { formatter: label } })),
          },
        },
      ],
    },
  }
}

import { once } from 'node:events'
import { createRequire } from 'node:module'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import type { Picture } from '../core/drills.ts'
import { chartOf } from './options.ts'

/** Twice the size, for the screens of phones. */
const zoom = 2

/**
 * A PNG of the picture, made in a thread of its own: it takes half a second of computing, in which the house goes on.
 * The same data gives the same picture on every machine: it brings its own font.
 */
export async function draw(picture: Picture): Promise<Buffer> {
  const thread = new Worker(new URL(import.meta.url), { workerData: picture })
  const [message] = (await Promise.race([
    once(thread, 'message'),
    once(thread, 'error').then(([error]) => Promise.reject(error)),
    once(thread, 'exit').then(([code]) => Promise.reject(new Error(`the thread that draws ended with ${code}`))),
  ])) as [Uint8Array]
  await thread.terminate()
  return Buffer.from(message)
}

/** In the thread. Both libraries are large, so they are loaded only where a picture is wanted. */
async function drawHere(picture: Picture): Promise<Uint8Array> {
  const [echarts, { Resvg }] = await Promise.all([import('echarts'), import('@resvg/resvg-js')])
  const { width, height, option } = chartOf(picture)
  const chart = echarts.init(null, undefined, { renderer: 'svg', ssr: true, width, height })
  chart.setOption(option)
  const svg = chart.renderToSVGString()
  chart.dispose()
  const { resolve } = createRequire(import.meta.url)
  const faces = ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf']
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: zoom },
    font: {
      fontFiles: faces.map((face) => resolve(`dejavu-fonts-ttf/ttf/${face}`)),
      loadSystemFonts: false,
      defaultFontFamily: 'DejaVu Sans',
    },
  })
  return resvg.render().asPng()
}

if (!isMainThread && parentPort) parentPort.postMessage(await drawHere(workerData as Picture))

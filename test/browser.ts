import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)

/** Where none is installed, what needs one is skipped. */
export const hasBrowser = executablePath !== undefined

/** Nothing runs beside the page: no update, no spare process, no network of the browser's own. */
const args = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--mute-audio'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions'],
  ...['--disable-site-isolation-trials', '--renderer-process-limit=1'],
  '--disable-features=Translate,OptimizationHints,MediaRouter,PaintHolding,BackForwardCache,SpareRendererForSitePerProcess',
]

export const startBrowser = (): Promise<Browser> => chromium.launch({ executablePath: executablePath ?? '', args })

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Asset {
  body: Buffer
  /** The Content-Type to serve it with. */
  type: string
}

const here = dirname(fileURLToPath(import.meta.url))
const root = packageRoot(here)
const sources = join(root, 'src/chat/web/page')
const compiled = join(root, 'dist/src/chat/web/page')
const index = readFileSync(join(sources, 'index.html'), 'utf8')

/**
 * The header the page is written for: nothing but files of this server, no inline script except the import map, no
 * eval, and no string may become HTML (Trusted Types).
 */
export const contentSecurityPolicy = [
  "default-src 'none'",
  `script-src 'self' '${importMapHash(index)}'`,
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/**
 * Every file of the page by its URL path. With `signIn: 'link'` the page offers no choice of person and sends no
 * `user`, since the session says who is speaking.
 *
 * Scripts come from dist/ also when this runs from src/ (tests): throws a plain sentence if they were never compiled.
 */
export function pageAssets(options: { signIn?: 'none' | 'link' } = {}): Map<string, Asset> {
  const signIn = options.signIn ?? 'none'
  const html = index.replace('<html lang="en">', `<html lang="en" data-sign-in="${signIn}">`)
  const assets = new Map<string, Asset>([
    ['/', { body: Buffer.from(html), type: 'text/html; charset=utf-8' }],
    ['/page.css', file(join(sources, 'page.css'), 'text/css; charset=utf-8')],
    ['/page/icon.svg', file(join(sources, 'icon.svg'), 'image/svg+xml')],
  ])
  for (const name of scripts()) assets.set(`/page/${name}`, script(join(compiled, name)))
  for (const [name, path] of vendored()) assets.set(`/vendor/${name}`, script(path))
  return assets
}

/** The sources are the list, so that a leftover in dist/ of a file that is gone is not served. */
function scripts(): string[] {
  return readdirSync(sources)
    .filter((name) => name.endsWith('.ts') && name !== 'assets.ts')
    .map((name) => name.replace(/\.ts$/, '.js'))
}

function vendored(): [string, string][] {
  const { resolve } = createRequire(import.meta.url)
  return [
    ['preact.js', resolve('preact')],
    ['hooks.js', resolve('preact/hooks')],
    ['htm.js', join(dirname(resolve('htm')), 'htm.mjs')],
  ]
}

function script(path: string): Asset {
  if (!existsSync(path)) throw new Error(`${path} is missing: run \`npm run build\` first.`)
  const code = readFileSync(path, 'utf8').replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n')
  return { body: Buffer.from(code), type: 'text/javascript; charset=utf-8' }
}

function file(path: string, type: string): Asset {
  return { body: readFileSync(path), type }
}

function importMapHash(html: string): string {
  const map = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? ''
  return `sha256-${createHash('sha256').update(map).digest('base64')}`
}

function packageRoot(from: string): string {
  return existsSync(join(from, 'package.json')) ? from : packageRoot(dirname(from))
}

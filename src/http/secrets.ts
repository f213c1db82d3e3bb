import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { acceptLanguage, fill, type Language, spoken } from '../core/language.ts'
import { isOurHost, isOurOrigin } from '../core/origin.ts'
import { en } from '../text/en.ts'
import { es } from '../text/es.ts'
import { escaped, plainPage, plainPageHeaders } from '../text/plain-page.ts'

const words = { en: en.pages, es: es.pages }

interface Asked {
  label: string
  job?: string
  step?: string
  language: Language
}

/** Where handed-over secrets go. `look` uses nothing up. */
interface SecretPorts {
  box: {
    look(handle: string): Promise<Asked | undefined>
    give(handle: string, code: string, secret: string): Promise<'given' | 'gone' | 'unfit' | { triesLeft: number }>
  }
  publicUrl: string
  /** For the sentence that says so; `box` decides. */
  longest: number
  log: { error(about: object, text: string): void }
}

/**
 * The page behind a one-time link: opening it uses nothing up (chat platforms open links to preview them), sending it
 * needs the six-digit code. No script; answers are in no cache, no frame, and no `Referer`.
 */
export function secretPages(ports: SecretPorts): Hono {
  const app = new Hono()
  app.use('/secret/*', async (c, next) => guarded(c, ports.publicUrl, next))
  app.use('/secret/*', bodyLimit({ maxSize: 32 * 1024, onError: (c) => c.text('', 413) }))
  app.get('/secret/:handle', async (c) => {
    const asked = await ports.box.look(c.req.param('handle'))
    return asked ? shown(c, 200, asked.language, form(asked)) : gone(c)
  })
  app.post('/secret/:handle', async (c) => {
    const handle = c.req.param('handle')
    const asked = await ports.box.look(handle)
    if (!asked) return gone(c)
    const { code, secret } = await c.req.parseBody()
    const result = await ports.box.give(handle, text(code).replaceAll(/\s/g, ''), text(secret))
    const say = words[asked.language]
    if (result === 'gone') return gone(c)
    if (result === 'given') {
      return shown(c, 200, asked.language, { title: say.given, body: `<p>${escaped(say.givenText)}</p>` })
    }
    const fault =
      result === 'unfit' ? fill(say.unfit, { most: ports.longest }) : fill(say.wrongCode, { left: result.triesLeft })
    return shown(c, result === 'unfit' ? 422 : 403, asked.language, form(asked, fault))
  })
  app.onError((error, c) => {
    // Neither path nor body: the one holds the handle, the other the secret.
    ports.log.error({ error: error.name }, 'a secret could not be taken over')
    return c.text('503', 503, { 'cache-control': 'no-store' })
  })
  return app
}

/** Under `no-referrer` a browser's own form sends `Origin: null`; what came from elsewhere then shows in Sec-Fetch-Site. */
async function guarded(c: Context, publicUrl: string, next: () => Promise<void>): Promise<Response | undefined> {
  const host = c.req.header('host') ?? ''
  const origin = c.req.header('origin')
  const foreign = origin !== undefined && origin !== 'null' && !isOurOrigin(origin, host, publicUrl)
  const elsewhere = c.req.method !== 'GET' && /^(cross-site|same-site)$/.test(c.req.header('sec-fetch-site') ?? '')
  if (!isOurHost(host, publicUrl) || foreign || elsewhere) return c.text('403', 403, { 'cache-control': 'no-store' })
  await next()
  return undefined
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

interface Page {
  title: string
  body: string
}

function shown(c: Context, status: 200 | 403 | 404 | 422, language: Language, page: Page): Response {
  return c.body(plainPage({ language, ...page }), status, { ...plainPageHeaders, 'referrer-policy': 'no-referrer' })
}

function gone(c: Context): Response {
  const language = spoken(...acceptLanguage(c.req.header('accept-language'))) ?? 'en'
  const say = words[language]
  return shown(c, 404, language, { title: say.requestGone, body: `<p>${escaped(say.requestGoneHint)}</p>` })
}

function form(asked: Asked, fault?: string): Page {
  const say = words[asked.language]
  const { job, step = '' } = asked
  const lines = [
    fault === undefined ? '' : `<p role="alert">${escaped(fault)}</p>`,
    `<p>${escaped(fill(say.handOverAsk, { label: asked.label }))}</p>`,
    job === undefined ? '' : `<p>${escaped(fill(say.handOverJob, { job, step }))}</p>`,
    `<p>${escaped(say.handOverNote)}</p>`,
    '<form method="post" autocomplete="off">',
    `<label for="code">${escaped(say.code)}</label>`,
    '<input id="code" name="code" required inputmode="numeric" autocomplete="off" maxlength="12" aria-describedby="code-note">',
    `<p class="note" id="code-note">${escaped(say.codeNote)}</p>`,
    `<label for="secret">${escaped(say.secret)}</label>`,
    '<input id="secret" name="secret" type="password" required autocomplete="off" spellcheck="false">',
    `<button type="submit">${escaped(say.send)}</button>`,
    '</form>',
  ]
  return { title: say.handOver, body: lines.filter((line) => line !== '').join('\n') }
}

import { type Context, Hono } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import { acceptLanguage, fill, type Language, spoken } from '../../core/language.ts'
import { isPublicHost } from '../../core/origin.ts'
import { en } from '../../text/en.ts'
import { es } from '../../text/es.ts'
import { escaped, plainPage, plainPageHeaders } from '../../text/plain-page.ts'

const words = { en: en.pages, es: es.pages }

interface Session {
  identity: string
  /** Milliseconds since the epoch. */
  until: number
}

type NoLink = 'gone' | 'slow'

/** One-time links and what they open. `look` uses nothing up; `redeem` succeeds once. */
export interface Sessions {
  look(token: string): Promise<{ identity: string } | NoLink>
  redeem(token: string): Promise<(Session & { cookie: string }) | NoLink>
  /** Undefined for a cookie that is forged, expired or signed out. */
  who(cookie: string | undefined): Promise<Session | undefined>
  end(cookie: string | undefined): Promise<void>
}

/** The browser takes a cookie of the first name only over TLS, for this very host: no neighbouring name can set it. */
const names = { secure: '__Host-quorum', plain: 'quorum' }

/** The session cookie of a request. Under the public https address only the strict one counts. */
export function sessionCookie(c: Context, publicUrl: string | undefined): string | undefined {
  const strict = getCookie(c, names.secure)
  if (strict !== undefined) return strict
  const isPublic = isSecure(publicUrl) && isPublicHost(c.req.header('host') ?? '', publicUrl)
  return isPublic ? undefined : getCookie(c, names.plain)
}

const isSecure = (publicUrl: string | undefined) => publicUrl?.startsWith('https://') === true

/** A proxy may put its own Host; the browser's Origin still says how it came. */
function cameByTls(c: Context, publicUrl: string | undefined): boolean {
  if (publicUrl === undefined || !isSecure(publicUrl)) return false
  return isPublicHost(c.req.header('host') ?? '', publicUrl) || c.req.header('origin') === new URL(publicUrl).origin
}

/**
 * `GET /sign-in?link=…` shows who would be signed in and a button (chat platforms open links to preview them); the
 * button's POST uses the link up and sets the cookie. `POST /api/sign-out` ends the session.
 */
export function signInPages(sessions: Sessions, publicUrl: string | undefined): Hono {
  const app = new Hono()
  app.get('/sign-in', async (c) => {
    const link = c.req.query('link') ?? ''
    const found = await sessions.look(link)
    return typeof found === 'string' ? noLink(c, found) : ask(c, link, found.identity)
  })
  app.post('/sign-in', async (c) => {
    const { link } = await c.req.parseBody()
    const session = await sessions.redeem(typeof link === 'string' ? link : '')
    if (typeof session === 'string') return noLink(c, session)
    const secure = cameByTls(c, publicUrl)
    setCookie(c, secure ? names.secure : names.plain, session.cookie, {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure,
      expires: new Date(session.until),
    })
    // Relative: the chat may be served below a path.
    return c.redirect('./', 303)
  })
  app.post('/api/sign-out', async (c) => {
    await sessions.end(sessionCookie(c, publicUrl))
    deleteCookie(c, names.plain, { path: '/', httpOnly: true, sameSite: 'Strict' })
    deleteCookie(c, names.secure, { path: '/', httpOnly: true, sameSite: 'Strict', secure: true })
    return c.json({})
  })
  return app
}

const languageOf = (c: Context): Language => spoken(...acceptLanguage(c.req.header('accept-language'))) ?? 'en'

/** `same-origin`, since under `no-referrer` the form's own POST would come with `Origin: null`. */
const headers = { ...plainPageHeaders, 'referrer-policy': 'same-origin' }

function ask(c: Context, link: string, identity: string): Response {
  const language = languageOf(c)
  const say = words[language]
  const who = identity.replace(/^web:/, '')
  const body = `<p>${escaped(fill(say.signInAsk, { who }))}</p>
<form method="post" action="sign-in">
<input type="hidden" name="link" value="${escaped(link)}">
<button type="submit">${escaped(fill(say.signInButton, { who }))}</button>
</form>`
  return c.body(plainPage({ language, title: say.signIn, body }), 200, headers)
}

function noLink(c: Context, why: NoLink): Response {
  const language = languageOf(c)
  const say = words[language]
  const hint = why === 'slow' ? say.slow : fill(say.linkGoneHint, { command: 'quorum web-login NAME' })
  const page = plainPage({ language, title: say.linkGone, body: `<p>${escaped(hint)}</p>` })
  return why === 'slow' ? c.body(page, 429, { ...headers, 'retry-after': '60' }) : c.body(page, 404, headers)
}

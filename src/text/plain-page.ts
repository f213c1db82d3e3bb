import { createHash } from 'node:crypto'
import type { Language } from '../core/language.ts'

const style = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
body { max-width: 28rem; margin: 10vh auto; padding: 0 1rem }
h1 { font-size: 1.4rem }
label { display: block; margin-top: 1rem; font-weight: 600 }
input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem; margin-top: .25rem }
button { font: inherit; padding: .5rem 1rem; margin-top: 1.25rem; cursor: pointer }
:focus-visible { outline: 3px solid Highlight; outline-offset: 2px }
.note { margin: .25rem 0 0; font-size: .9rem }
[role=alert] { border-left: 4px solid #c22; padding-left: .75rem }`

/**
 * For pages that take a person's credentials: no script, nothing from elsewhere, in no frame, kept by nobody.
 * The policy for `Referer` is the caller's.
 */
export const plainPageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'x-frame-options': 'DENY',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
}

/** @param body HTML; everything in it that is not ours has gone through `escaped` */
export const plainPage = (page: { language: Language; title: string; body: string }): string =>
  `<!doctype html>
<html lang="${page.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(page.title)} · Quorum</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>${escaped(page.title)}</h1>
${page.body}
</main>
</body>
</html>
`

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Text for HTML, also inside of quoted attributes. */
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (sign) => entities[sign]!)

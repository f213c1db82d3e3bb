const marks: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

/** Slack reads `<`, `>` and `&` as its own marks (mentions, links); escaped they stay text. */
export const escapeText = (text: string): string => text.replace(/[&<>]/g, (mark) => marks[mark]!)

/** Without control characters and without the marks that turn the direction of the text after them around. */
export const tame = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get through.
  text.replace(/[\u0000-\u0008\u000B-\u001F\u007F\u200E\u200F\u202A-\u202E\u2066-\u2069]/g, '')

const segmenter = new Intl.Segmenter()

/** The beginning of `text` that fits into `most` UTF-16 units, whole characters as people see them, `…` at a cut. */
export function cut(text: string, most: number): string {
  return fitting(text, most, (part) => part)
}

/** The same of mrkdwn: escaped, cut between characters and never within an escape. */
export function cutEscaped(text: string, most: number): string {
  return fitting(text, most, escapeText)
}

function fitting(text: string, most: number, written: (part: string) => string): string {
  const clean = tame(text)
  const whole = written(clean)
  if (whole.length <= most) return whole
  let kept = ''
  // A character takes one unit at least, so what lies beyond is never needed.
  for (const { segment } of segmenter.segment(clean.slice(0, most))) {
    const next = written(segment)
    if (kept.length + next.length > most - 1) break
    kept += next
  }
  return `${kept}…`
}

/** Slack turns addresses into `<http://…|…>` and escapes; what was typed is wanted. */
export function typed(text: string): string {
  return text
    .replace(/<(?:https?:\/\/|mailto:)[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<((?:https?:\/\/|mailto:)[^>]*)>/g, '$1')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
}

/**
 * What a message that mentions the bot asks of it: the words after the mention. Undefined when the mention stands in
 * code, or in the middle of a sentence with nothing after it.
 */
export function asked(text: string, botUserId: string): string | undefined {
  const mark = `<@${botUserId}>`
  const at = text.indexOf(mark)
  if (at < 0) return undefined
  const before = text.slice(0, at)
  if ((before.match(/`/g)?.length ?? 0) % 2 === 1) return undefined
  const words = typed(text.slice(at + mark.length)).trim()
  return words === '' && before.trim() !== '' ? undefined : words
}

/** Terminal colours, control characters, marks that turn the reading direction, halves of broken characters. */
const ansi = /(?![\n\t])\p{Cc}\[[\d;?]*[A-Za-z]/gu
const unseen = /(?![\n\t])[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/gu

/** Somebody's text without what is not text. */
export const plain = (text: string): string => text.replace(/\r\n?/g, '\n').replace(ansi, '').replace(unseen, '')

/** At most `most` UTF-16 units, never half a character. Discord counts characters, which are never more. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text
  let kept = ''
  for (const character of text) {
    if (kept.length + character.length > most - 1) break
    kept += character
  }
  return `${kept}…`
}

/** Addresses, and what stands between backticks: Discord reads nothing else in there. */
const verbatim = /https?:\/\/[^\s<>()[\]*`|~\\]+|`[^`\n]+`/g
const marks = /[\\*_~`|<[\]]/g
const lineStarts = /^(\s*)([#>+-]|\d+(?=\.))/gm

const escapeMarks = (text: string): string =>
  text
    .replace(marks, '\\$&')
    .replace(lineStarts, (_, space: string, mark: string) =>
      /\d/.test(mark) ? `${space}${mark}\\` : `${space}\\${mark}`,
    )
    .replace(/@(?=everyone|here)/gi, '@\u200b')

/**
 * Makes Discord show the text as it is: no markdown, no mentions, no hidden links. Commands between backticks are shown
 * as such; addresses stay as they are, since Discord reads a backslash in them as part of the address.
 */
export function escapeText(text: string): string {
  let escaped = ''
  let from = 0
  for (const match of text.matchAll(verbatim)) {
    escaped += escapeMarks(text.slice(from, match.index)) + match[0]
    from = match.index + match[0].length
  }
  return escaped + escapeMarks(text.slice(from))
}

/** Commands are typed without `/pve` here. */
const withoutPve = (text: string): string => text.replace(/(^|[\s`«“"(])\/pve (?=[a-z])/g, '$1/')

/** The text, escaped, in at most `most` characters with its backslashes. */
export function escaped(text: string, most: number): string {
  let kept = cut(withoutPve(plain(text)), most)
  let whole = escapeText(kept)
  while (whole.length > most && kept.length > 1) {
    kept = cut(kept, Math.max(1, kept.length - Math.ceil((whole.length - most) / 2) - 1))
    whole = escapeText(kept)
  }
  return whole.length > most ? '' : whole
}

const fence = '```'
/** What the fences of a code block take. */
export const codeOverhead = 2 * fence.length + 2

/** A code block; nothing inside is read as markdown or as a mention. */
export const code = (text: string): string => `${fence}\n${text.replaceAll(fence, "'''")}\n${fence}`

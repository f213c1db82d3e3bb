import type { Catalogue } from './catalogue.ts'
import { Refused } from './errors.ts'
import { type Token, tokenize } from './parse.ts'

/** The line's tokens without the leading `/pve`. */
export function stripped(text: string) {
  const tokens = tokenize(text)
  const first = tokens[0]
  if (!first) return tokens
  if (first.text === '/pve') return tokens.slice(1)
  if (first.text.startsWith('/') && first.text.length > 1)
    return [{ ...first, text: first.text.slice(1) }, ...tokens.slice(1)]
  return tokens
}

export function pathOf(catalogue: Catalogue, line: string): string | undefined {
  try {
    const found = catalogue.find(stripped(line))
    return found && 'entry' in found ? found.entry.path : undefined
  } catch {
    return undefined
  }
}

/** The next step is the whole line with the likeliest command in it, ready to be sent. */
export function unknownCommand(found: { unknown: string; near: string[] }, tokens: readonly Token[]): Refused {
  const given = found.unknown.slice(0, 80)
  if (found.near.length === 0) return new Refused('unknown-command', { given })
  const rest = tokens.slice(found.unknown.split(' ').length).map(({ text }) => (/\s/.test(text) ? `"${text}"` : text))
  const first = short([found.near[0]!, ...rest].join(' '))
  return new Refused('unknown-command-near', { given, near: found.near.join(', '), first })
}

export const short = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim()
  return line.length > 150 ? `${line.slice(0, 149)}…` : line
}

export const languages = ['en', 'es'] as const
export type Language = (typeof languages)[number]

/** The same keys as `T`, with any words: what a second language must fill in, or the compiler refuses. */
export type Same<T> = T extends string
  ? string
  : T extends readonly string[]
    ? readonly string[]
    : { readonly [K in keyof T]: Same<T[K]> }

/** Both languages; the second has exactly the keys of the first. */
export interface Bilingual<E> {
  readonly en: E
  readonly es: Same<E>
}

export type Values = Readonly<Record<string, string | number | undefined>>

/** Puts values in the places `{name}` of a template; a place without a value stays visible as `{name}`. */
export function fill(template: string, values: Values = {}): string {
  return template.replace(/\{(\w+)\}/g, (whole, key: string) => {
    const value = values[key]
    return value === undefined ? whole : String(value)
  })
}

/** The first language we speak among BCP 47 tags, most wanted first (`es-419`, `es_EC`, `en-US`); undefined if none. */
export function spoken(...tags: (string | undefined)[]): Language | undefined {
  for (const tag of tags) {
    const primary = tag?.toLowerCase().split(/[-_]/)[0]
    const known = languages.find((language) => language === primary)
    if (known) return known
  }
  return undefined
}

/** Languages of an `Accept-Language` header, most wanted first. */
export function acceptLanguage(header: string | undefined): string[] {
  if (!header) return []
  return header
    .split(',')
    .map((part) => {
      const [tag = '', ...rest] = part.trim().split(';')
      const q = rest.map((r) => /^\s*q=([\d.]+)/.exec(r)?.[1]).find(Boolean)
      return { tag, q: q === undefined ? 1 : Number(q) }
    })
    .filter(({ tag, q }) => tag !== '' && q > 0)
    .sort((a, b) => b.q - a.q)
    .map(({ tag }) => tag)
}

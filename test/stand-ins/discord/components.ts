import { type Fields, fields, list, string } from '../slack/fields.ts'

/** Component types (docs: components/reference). */
export const Component = {
  actionRow: 1,
  button: 2,
  stringSelect: 3,
  textInput: 4,
  section: 9,
  textDisplay: 10,
  thumbnail: 11,
  mediaGallery: 12,
  file: 13,
  separator: 14,
  container: 17,
  label: 18,
} as const

/** A component with everything inside it, parents first. */
export function flat(components: unknown): Fields[] {
  return list(components)
    .map(fields)
    .flatMap((component) => {
      const inner = [component.component, component.accessory].filter((item) => item !== undefined && item !== null)
      return [component, ...flat(component.components), ...flat(inner)]
    })
}

/** The components as Discord keeps them: each with an `id`, given or the next free number. */
export function withIds(components: unknown): Fields[] {
  const taken = new Set(flat(components).map(({ id }) => id))
  let next = 0
  const number = (): number => {
    do next += 1
    while (taken.has(next))
    return next
  }
  const assign = (component: unknown): Fields => {
    const whole: Fields = { ...fields(component) }
    whole.id = whole.id || number()
    if (whole.components !== undefined) whole.components = list(whole.components).map(assign)
    if (whole.component) whole.component = assign(whole.component)
    if (whole.accessory) whole.accessory = assign(whole.accessory)
    return whole
  }
  return list(components).map(assign)
}

/** Every text that a person reads in text displays, in order. */
export const textsIn = (components: unknown): string[] =>
  flat(components)
    .filter(({ type }) => type === Component.textDisplay)
    .map(({ content }) => string(content))

/** The buttons that can be pressed, with their custom_id. */
export const buttonsIn = (components: unknown): { customId: string; label: string; style: number }[] =>
  flat(components)
    .filter(({ type, custom_id, disabled }) => type === Component.button && custom_id && disabled !== true)
    .map(({ custom_id, label, style }) => ({ customId: string(custom_id), label: string(label), style: Number(style) }))

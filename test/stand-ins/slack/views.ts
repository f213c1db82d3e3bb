import { type Block, blockList, type Fields, fields, string } from './fields.ts'

/** A modal as its owner has it open. */
export interface View {
  kind: 'view'
  id: string
  user: string
  title: string
  callbackId: string
  blocks: Block[]
  /** All of it, as the Web API gave it. */
  raw: Fields
}

function readView(user: string, raw: Fields): View {
  const title = string(fields(raw.title).text)
  return {
    kind: 'view',
    id: string(raw.id),
    user,
    title,
    callbackId: string(raw.callback_id),
    blocks: blockList(raw.blocks),
    raw,
  }
}

/** Each person's stack of open modals. */
export interface Views {
  top(user: string): View | undefined
  open(user: string, raw: Fields): void
  push(user: string, raw: Fields): void
  replace(raw: Fields): void
  pop(user: string): void
  clear(user: string): void
}

export function createViews(changed: () => void): Views {
  const stacks = new Map<string, View[]>()
  function set(user: string, stack: View[]): void {
    stacks.set(user, stack)
    changed()
  }
  const stackOf = (user: string) => stacks.get(user) ?? []
  return {
    top: (user) => stackOf(user).at(-1),
    open: (user, raw) => set(user, [readView(user, raw)]),
    push: (user, raw) => set(user, [...stackOf(user), readView(user, raw)]),
    replace(raw) {
      for (const [user, stack] of stacks)
        set(
          user,
          stack.map((view) => (view.id === raw.id ? readView(user, raw) : view)),
        )
    },
    pop: (user) => set(user, stackOf(user).slice(0, -1)),
    clear: (user) => set(user, []),
  }
}

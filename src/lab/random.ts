import { createHash } from 'node:crypto'

/** Repeatable randomness: the same seed yields the same passwords, token secrets, MAC addresses and figures. */
export interface Random {
  /** 0 ≤ x < 1 */
  next(): number
  int(below: number): number
  hex(digits: number): string
  uuid(): string
  password(length: number): string
  shuffle<T>(items: readonly T[]): T[]
}

const PASSWORD_LETTERS = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

export function createRandom(seed: number): Random {
  let state = seed >>> 0

  // mulberry32: 32 bits of state are plenty for a lab.
  function next() {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const int = (below: number) => Math.floor(next() * below)
  const hex = (digits: number) => Array.from({ length: digits }, () => int(16).toString(16)).join('')

  return {
    next,
    int,
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[int(4)]}${hex(3)}-${hex(12)}`,
    password: (length) => Array.from({ length }, () => PASSWORD_LETTERS[int(PASSWORD_LETTERS.length)]).join(''),
    shuffle(items) {
      const copy = [...items]
      for (let i = copy.length - 1; i > 0; i--) {
        const j = int(i + 1)
        ;[copy[i], copy[j]] = [copy[j]!, copy[i]!]
      }
      return copy
    },
  }
}

/** The form of Proxmox's `digest` fields. */
export const sha1Hex = (text: string) => createHash('sha1').update(text).digest('hex')

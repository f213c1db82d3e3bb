import { appendFileSync, chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Head } from '../core/audit.ts'

/**
 * Heads of the chain noted outside of Redis, a line each: when, which chain, its head. Whoever rewrites the chain, even
 * with the key, would have to change this file too.
 */
export class HeadFile {
  readonly #path: string
  readonly #name: string

  /** @param name which chain: several installations may share one folder */
  constructor(path: string, name: string) {
    this.#path = path
    this.#name = name
  }

  add(at: string, head: Head): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 })
    appendFileSync(this.#path, `${at} ${this.#name} ${head}\n`, { mode: 0o600 })
    chmodSync(this.#path, 0o600)
  }

  /** Those of this chain; none where nobody has noted any. */
  heads(): Head[] {
    let text: string
    try {
      text = readFileSync(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
    return text
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, name, head]) => name === this.#name && /^\d{1,15}\.[\w-]{43}$/.test(head ?? ''))
      .map(([, , head]) => head!)
  }
}

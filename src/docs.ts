import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Catalogue } from './core/catalogue.ts'
import type { Language } from './core/language.ts'
import { leastPrivilege } from './core/least-privilege.ts'
import type { Words } from './core/ports.ts'
import { reference } from './core/reference.ts'

/** The generated pages of docs/, by file name. A test keeps them equal to what the commands say. */
export const generatedDocs = (catalogue: Catalogue, words: Record<Language, Words>): Map<string, string> =>
  new Map([
    ['commands.md', reference(catalogue, 'en', words.en)],
    ['comandos.md', reference(catalogue, 'es', words.es)],
    ['least-privilege.md', leastPrivilege(catalogue)],
  ])

/** Writes them. */
export function writeDocs(folder: string, catalogue: Catalogue, words: Record<Language, Words>): void {
  for (const [name, text] of generatedDocs(catalogue, words)) writeFileSync(join(folder, name), text)
}

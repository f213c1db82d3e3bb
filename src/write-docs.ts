import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadCatalogue, words } from './app.ts'
import { leastPrivilege } from './core/least-privilege.ts'
import { reference } from './core/reference.ts'

/** The generated pages of docs/, by file name. A test keeps them equal to what the commands say. */
export async function generatedDocs(): Promise<Map<string, string>> {
  const catalogue = await loadCatalogue()
  return new Map([
    ['commands.md', reference(catalogue, 'en', words.en)],
    ['comandos.md', reference(catalogue, 'es', words.es)],
    ['least-privilege.md', leastPrivilege(catalogue)],
  ])
}

/** Writes them. */
export async function writeDocs(folder: string): Promise<void> {
  for (const [name, text] of await generatedDocs()) writeFileSync(join(folder, name), text)
}

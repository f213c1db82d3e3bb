import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadCatalogue, words } from '../src/app.ts'
import { generatedDocs } from '../src/docs.ts'

test('the command reference in docs/ says what the commands say; `npm run docs` writes it anew', async () => {
  for (const [name, text] of generatedDocs(await loadCatalogue(), words)) {
    expect(readFileSync(new URL(`../docs/${name}`, import.meta.url), 'utf8'), `docs/${name}`).toBe(text)
  }
})

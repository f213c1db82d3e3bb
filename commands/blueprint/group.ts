import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Blueprints: a whole site in one file' },
    es: { summary: 'Planos: un sitio entero en un archivo' },
  },
})

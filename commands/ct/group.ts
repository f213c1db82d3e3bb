import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Containers' },
    es: { summary: 'Contenedores' },
  },
})

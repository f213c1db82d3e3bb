import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Virtual machines' },
    es: { summary: 'Máquinas virtuales' },
  },
})

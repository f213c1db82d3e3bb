import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Jobs: what Quorum is doing and has done' },
    es: { summary: 'Trabajos: lo que Quorum está haciendo y lo que hizo' },
  },
})

import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Drills: break a node on purpose, and prove that its machines come back' },
    es: { summary: 'Simulacros: romper un nodo a propósito y probar que sus máquinas vuelven' },
  },
})

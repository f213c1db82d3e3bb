import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'The cluster itself: make it, join hosts, take nodes out' },
    es: { summary: 'El clúster mismo: crearlo, unir equipos, sacar nodos' },
  },
})

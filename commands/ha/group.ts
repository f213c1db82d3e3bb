import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'High availability: machines that start again on another node when theirs fails' },
    es: { summary: 'Alta disponibilidad: máquinas que arrancan en otro nodo cuando falla el suyo' },
  },
})

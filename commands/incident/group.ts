import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Incidents: what went wrong, who has it, and how it ended' },
    es: { summary: 'Incidentes: qué falló, quién lo atiende y cómo terminó' },
  },
})

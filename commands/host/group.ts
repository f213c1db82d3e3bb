import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Nodes: the hosts that the machines run on' },
    es: { summary: 'Nodos: los equipos donde corren las máquinas' },
  },
})

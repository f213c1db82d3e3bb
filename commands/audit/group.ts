import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Audit trail: who asked, approved and did what' },
    es: { summary: 'Auditoría: quién pidió, aprobó e hizo qué' },
  },
})

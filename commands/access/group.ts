import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Who may do what on Proxmox: rights and realms' },
    es: { summary: 'Quién puede hacer qué en Proxmox: permisos y dominios de autenticación' },
  },
})

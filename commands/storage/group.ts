import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'Storages: disks, ISO images, templates, backups' },
    es: { summary: 'Almacenamientos: discos, imágenes ISO, plantillas, respaldos' },
  },
})

import { defineGroup } from '../../src/core/command.ts'

export default defineGroup({
  text: {
    en: { summary: 'On call: who is called, and when nobody is' },
    es: { summary: 'Guardia: a quién se llama, y cuándo a nadie' },
  },
})

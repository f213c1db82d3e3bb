import type { z } from 'zod'
import { type ArgFacts, describeArg } from './args.ts'
import type { Command } from './command.ts'
import { choices } from './complete.ts'
import type { Language } from './language.ts'
import type { FormField } from './message.ts'
import type { ProxmoxPort } from './ports.ts'

/** The form for a command: required arguments first, live lists where the cluster answers, defaults filled in. */
export async function form(
  command: Command,
  given: Record<string, string>,
  language: Language,
  proxmox: ProxmoxPort | undefined,
): Promise<FormField[]> {
  const labels = command.text[language].args as Record<string, string>
  const wants = command.wants?.(given)
  const shown = Object.entries(command.args.shape).filter(([name]) => !wants?.never.includes(name))
  const fields = await Promise.all(
    shown.map(async ([name, schema]): Promise<FormField> => {
      const facts = describeArg(schema as z.ZodType)
      const value = given[name] ?? facts.default
      const options = await selection(facts, proxmox)
      return {
        name,
        label: labels[name] ?? name,
        type: typeOf(facts, options !== undefined),
        required: facts.required || wants?.must.includes(name) === true,
        ...(options === undefined ? {} : { options }),
        ...(value === undefined ? {} : { value }),
      }
    }),
  )
  return fields.sort((a, b) => Number(b.required) - Number(a.required))
}

const typeOf = (facts: ArgFacts, listed: boolean): FormField['type'] =>
  facts.kind === 'boolean' ? 'boolean' : listed ? 'select' : facts.kind === 'integer' ? 'number' : 'text'

async function selection(facts: ArgFacts, proxmox: ProxmoxPort | undefined) {
  if (facts.kind === 'choice') return facts.options!.map((value) => ({ value, label: value }))
  const live = await choices(facts, proxmox).catch(() => [])
  // A long list is typed with completion, not scrolled through.
  return live.length > 0 && live.length <= 100 ? live.map(({ value, label }) => ({ value, label })) : undefined
}

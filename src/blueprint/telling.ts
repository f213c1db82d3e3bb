import { type Blueprint, type BlueprintFault, type Blueprints, wordsOf } from '../core/blueprint.ts'
import { Refused } from '../core/errors.ts'
import { fill, type Values } from '../core/language.ts'
import type { Words } from '../core/ports.ts'
import type { Step, Why } from './step.ts'

/**
 * The blueprint that a person names.
 * @throws Refused `blueprint-no-folder`, `blueprint-unknown`, `blueprint-faulty`
 */
export async function findBlueprint(blueprints: Blueprints, given: string, words: Words): Promise<Blueprint> {
  const found = await lookUp(blueprints, given)
  if ('blueprint' in found) return found.blueprint
  const [first] = found.faults
  const fault = first ? `${words.blueprint.line} ${first.line}, ${first.path} ${faultText(first, words)}` : ''
  throw new Refused('blueprint-faulty', { file: given, count: found.faults.length, fault })
}

/** `azuay` of `examples/azuay.yaml`: there is one folder, so what stands before the name says nothing. */
export const shortName = (given: string): string =>
  given
    .trim()
    .replace(/^.*\//, '')
    .replace(/\.(?:ya?ml|json)$/, '')

/** The same with its faults. */
export async function lookUp(blueprints: Blueprints, given: string) {
  const files = await blueprints.list()
  if (!files) throw new Refused('blueprint-no-folder')
  const found = await blueprints.read(given.trim())
  if (found) return found
  throw new Refused('blueprint-unknown', { given, files: files.join(', ') || '-', first: files[0] ?? 'azuay.yaml' })
}

export function faultText({ code, expects, near }: BlueprintFault, { blueprint: words }: Words): string {
  const wanted = expects && fill(words.expects[expects], { words: wordsOf[expects]?.join(', ') })
  return fill(words.faults[code], { near, expects: wanted })
}

export const titleOf = ({ what }: Step, { blueprint: words }: Words): string => fill(words.steps[what.key], what.values)

export function whyText({ code, values, refused }: Why, words: Words): string {
  if (!refused) return fill(words.blueprint.whys[code], values)
  const errors = words.errors as Record<string, { says: string; hint: string }>
  return fill(errors[refused.code]?.says ?? refused.code, refused.values as Values)
}

/** The steps as a table; of what is to do, by hand. */
export function stepsTable(steps: readonly Step[], words: Words) {
  const { blueprint: say } = words
  const rows = steps.map((step, i) => [
    `${i + 1}. ${titleOf(step, words)}`,
    say.states[step.state],
    step.state === 'never' ? whyText(step.why, words) : step.state === 'todo' ? step.job.shell.join('; ') : '',
  ])
  return { columns: [say.step, say.state, say.detail], rows }
}

export const count = (steps: readonly Step[], state: Step['state']): number =>
  steps.filter((step) => step.state === state).length

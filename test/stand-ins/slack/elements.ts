import { type Block, blockList, type Fields, fields, list, string } from './fields.ts'
import type { EphemeralMessage, SlackMessage } from './transcript.ts'
import type { View } from './views.ts'

/** Anything with blocks that a person can act on. */
export type Target = SlackMessage | EphemeralMessage | View

/** An interactive element where it stands. */
export interface PlacedElement {
  block: Block
  element: Fields
  actionId: string
  /** What it says: the label of a button, the placeholder of a menu. */
  label: string
}

function blocksOf(target: Target): Block[] {
  const attachments = target.kind === 'message' ? target.attachments : []
  return [...target.blocks, ...attachments.flatMap((attachment) => blockList(attachment.blocks))]
}

/** Every element of the target that has an action_id, in reading order. */
export function elementsOf(target: Target): PlacedElement[] {
  return blocksOf(target).flatMap((block) =>
    [block.accessory, block.element, ...list(block.elements)].map(fields).flatMap((element) => {
      const actionId = string(element.action_id)
      const label = string(fields(element.text).text) || string(fields(element.placeholder).text)
      return actionId ? [{ block, element, actionId, label }] : []
    }),
  )
}

/**
 * The one element whose action_id is `actionId` or begins with it, or whose label is `actionId`;
 * throws, with what is there, when none or several fit.
 */
export function findElement(target: Target, actionId: string): PlacedElement {
  const all = elementsOf(target)
  const exact = all.filter((placed) => placed.actionId === actionId || placed.label === actionId)
  const found = exact.length > 0 ? exact : all.filter((placed) => placed.actionId.startsWith(actionId))
  if (found.length === 1) return found[0]!
  const there = all.map((placed) => `${placed.actionId} "${placed.label}"`).join(', ')
  throw new Error(`${found.length} elements fit "${actionId}"; there are: ${there || 'none'}`)
}

/** The option with this value or this text; throws when the person could not pick it. */
export function findOption(element: Fields, wanted: string): Fields {
  const groups = list(element.option_groups).map(fields)
  const options = [element, ...groups].flatMap((holder) => list(holder.options).map(fields))
  const found = options.find((option) => option.value === wanted || fields(option.text).text === wanted)
  if (found) return found
  throw new Error(`no option "${wanted}"; there are: ${options.map((option) => string(option.value)).join(', ')}`)
}

import { randomUUID } from 'node:crypto'
import { blockList, type Fields, fields, list } from './fields.ts'

function blocksWithIds(blocks: unknown): unknown {
  if (!Array.isArray(blocks)) return blocks
  return blockList(blocks).map((block) => (block.block_id ? block : { ...block, block_id: randomUUID().slice(0, 5) }))
}

function holderWithIds(holder: unknown): Fields {
  const object = fields(holder)
  return 'blocks' in object ? { ...object, blocks: blocksWithIds(object.blocks) } : object
}

/** As Slack does: every block of a call (in its message, attachments or view) that has no `block_id` gets one. */
export function withBlockIds(args: Fields): Fields {
  const whole = holderWithIds(args)
  if (whole.view) whole.view = holderWithIds(whole.view)
  if (whole.attachments) whole.attachments = list(whole.attachments).map(holderWithIds)
  return whole
}

import type { Draft } from './draft.ts'
import type { Look, Service } from './look.ts'
import type { Memory, NodeMemory, ServiceMemory } from './memory.ts'
import type { Telling } from './telling.ts'

/** A guest under HA as it was and as it is, with all that helps to tell what came in between. */
export interface Change {
  sid: string
  was: ServiceMemory
  now: Service
  memory: Memory
  look: Look
  nodes: Draft<NodeMemory>
  telling: Telling
}

const moving = new Set(['migrate', 'relocate', 'request_start_balance'])

export const isMoving = (state: string): boolean => moving.has(state)
export const isFenced = (state: string): boolean => state === 'fence' || state === 'recovery'

/** The node it was on. */
export const sourceOf = ({ was, nodes }: Change): NodeMemory | undefined =>
  was.node === undefined ? undefined : nodes.get(was.node)

import type { Fields } from './fields.ts'
import { string } from './fields.ts'
import type { Workspace } from './workspace.ts'

const TRIGGER_MS = 3000

/** Trigger ids are emulate's (one use, 3 s); kept here too, to expire on the stand-in's clock and to know whose they are. */
export interface Triggers {
  issue(userId: string, viewId?: string): Promise<string>
  ownerOf(triggerId: string): string
  isExpired(triggerId: string): boolean
}

export function createTriggers(workspace: Workspace, now: () => number): Triggers {
  const issued = new Map<string, { userId: string; atMs: number }>()
  return {
    async issue(userId, viewId) {
      const args: Fields = { user_id: userId, ...(viewId ? { view_id: viewId } : {}) }
      const id = string((await workspace.call('views.generateTriggerId', args)).trigger_id)
      issued.set(id, { userId, atMs: now() })
      return id
    },
    ownerOf: (triggerId) => issued.get(triggerId)?.userId ?? '',
    isExpired: (triggerId) => now() - (issued.get(triggerId)?.atMs ?? now()) >= TRIGGER_MS,
  }
}

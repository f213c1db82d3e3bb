import { useState } from 'preact/hooks'
import { usePage } from './page-context.ts'
import type { ApiError, Listed } from './wire.ts'

export interface Clicks {
  /** Whether this action was sent, or one that settles the card, and the card has not answered yet. */
  spent(actionId: string): boolean
  click(actionId: string, values?: Record<string, string>): void
  fault: ApiError | undefined
}

/** Looking at a log or adding a note decides nothing: the other buttons stay usable. */
const settlesNothing = new Set(['log', 'note'])

/** Each button works once, until the message's next revision (or a new reply) arrives or the click has failed. */
export function useClicks(listed: Listed, replies: number): Clicks {
  const { act } = usePage()
  const moment = `${listed.revision}/${replies}`
  const [sent, setSent] = useState<{ moment: string; ids: string[] }>({ moment, ids: [] })
  const [fault, setFault] = useState<ApiError>()
  const ids = sent.moment === moment ? sent.ids : []

  async function send(actionId: string, values?: Record<string, string>): Promise<void> {
    setFault(undefined)
    setSent({ moment, ids: [...ids, actionId] })
    const failed = await act(listed.id, actionId, values)
    if (!failed) return
    setFault(failed)
    setSent({ moment, ids })
  }

  return {
    spent: (actionId) => ids.includes(actionId) || ids.some((id) => !settlesNothing.has(id)),
    click: (actionId, values) => void send(actionId, values),
    fault,
  }
}

import type { Delivery } from './delivery.ts'
import { type Fields, fields, string } from './fields.ts'
import { type FieldValue, formState } from './form-values.ts'
import { envelopeOf, type PersonParts } from './person.ts'
import { viewProblems } from './view-limits.ts'
import type { View, Views } from './views.ts'

/** What people do with an open modal. */
export interface Modal {
  /** The modal this person has in front. */
  view(user: string): View | undefined
  /**
   * Fills in the modal in front and submits it. `values` by block_id or action_id. `errors` is what the bot held
   * against it (the modal stays open then). Throws where the person's client would not let them submit.
   */
  submit(at: {
    user: string
    values?: Record<string, FieldValue>
  }): Promise<Delivery & { errors: Record<string, string> }>
  /** Cancels the modal in front; the bot hears of it only when it asked to (`notify_on_close`). */
  closeView(user: string): Promise<Delivery | undefined>
}

export function createModal(parts: PersonParts, views: Views, act: (method: string, args: Fields) => Promise<Fields>) {
  const { workspace, transcript, triggers, deliver } = parts

  function front(user: string): View {
    const view = views.top(workspace.user(user).id)
    if (!view) throw new Error(`${user} has no modal open`)
    return view
  }

  function heldAgainst(view: View, errors: Fields): void {
    const inputs = view.blocks.filter(({ type }) => type === 'input').map(({ block_id }) => block_id)
    for (const blockId of Object.keys(errors))
      if (!inputs.includes(blockId)) transcript.violations.push(`view_submission errors: no input block ${blockId}`)
  }

  /** Does what `response_action` says (docs.slack.dev/surfaces/modals). */
  async function follow(view: View, ack: Fields): Promise<void> {
    const action = string(ack.response_action)
    const next = fields(ack.view)
    if (action === 'errors') return heldAgainst(view, fields(ack.errors))
    if (action === '') return views.pop(view.user)
    if (action === 'clear') return views.clear(view.user)
    const problems = viewProblems(next).map((says) => `response_action ${action}: ${says}`)
    transcript.violations.push(...problems)
    if (problems.length > 0) return
    if (action === 'update') await act('views.update', { view_id: view.id, view: next })
    else if (action === 'push')
      await act('views.push', { trigger_id: await triggers.issue(view.user, view.id), view: next })
    else transcript.violations.push(`response_action "${action}" is not known`)
  }

  const modal: Modal = {
    view: (user) => views.top(workspace.user(user).id),
    async submit({ user, values = {} }) {
      const view = front(user)
      const raw = { ...view.raw, state: { values: formState(view.blocks, values) } }
      const trigger = { trigger_id: await triggers.issue(view.user, view.id), response_urls: [] }
      const payload = { type: 'view_submission', ...envelopeOf(parts, user), ...trigger, view: raw }
      const delivery = await deliver('interactive', payload)
      if (delivery.ack) await follow(view, delivery.ack)
      const { response_action, errors } = fields(delivery.ack)
      return { ...delivery, errors: response_action === 'errors' ? (fields(errors) as Record<string, string>) : {} }
    },
    async closeView(user) {
      const view = front(user)
      views.pop(view.user)
      if (view.raw.notify_on_close !== true) return undefined
      const payload = { type: 'view_closed', ...envelopeOf(parts, user), view: view.raw, is_cleared: false }
      return deliver('interactive', payload)
    },
  }
  return modal
}

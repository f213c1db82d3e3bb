import { blockProblems } from './block-limits.ts'
import { fields, list } from './fields.ts'
import { at, checkString, checkText, type Place, report } from './limits.ts'

const VIEW_BYTES = 250_000

/** What Slack would hold against this modal or Home view; empty when it would open it. */
export function viewProblems(value: unknown): string[] {
  const view = fields(value)
  const surface = view.type === 'home' ? 'home' : 'modal'
  const place: Place = { path: 'view', problems: [] }
  if (view.type !== 'modal' && view.type !== 'home') report(place, `type ${JSON.stringify(view.type)} is not known`)
  checkText(at(place, 'title'), view.title, { max: 24, required: surface === 'modal', plain: true })
  checkText(at(place, 'submit'), view.submit, { max: 24, plain: true })
  checkText(at(place, 'close'), view.close, { max: 24, plain: true })
  if (view.private_metadata !== '') checkString(at(place, 'private_metadata'), view.private_metadata, 3000)
  if (view.callback_id !== '') checkString(at(place, 'callback_id'), view.callback_id, 255)
  const asks = list(view.blocks).some((block) => fields(block).type === 'input')
  if (asks && surface === 'modal' && !view.submit) report(place, 'a modal with input blocks needs submit')
  const bytes = Buffer.byteLength(JSON.stringify(value ?? null))
  if (bytes > VIEW_BYTES) report(place, `${bytes} bytes, at most ${VIEW_BYTES}`)
  return [...place.problems, ...blockProblems(view.blocks, surface)]
}

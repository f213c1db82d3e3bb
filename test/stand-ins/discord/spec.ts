import * as spec from 'discord-api-spec/zod'
import { z } from 'zod'
import { fields, list } from '../slack/fields.ts'
import type { Operation } from './routes.ts'

/** By the `type` of an interaction response. */
const RESPONSES: Record<number, z.core.$ZodType> = {
  1: spec.PongInteractionCallbackRequestSchema,
  4: spec.CreateMessageInteractionCallbackRequestSchema,
  5: spec.CreateMessageInteractionCallbackRequestSchema,
  6: spec.UpdateMessageInteractionCallbackRequestSchema,
  7: spec.UpdateMessageInteractionCallbackRequestSchema,
  8: spec.ApplicationCommandAutocompleteCallbackRequestSchema,
  9: spec.ModalInteractionCallbackRequestSchema,
}

const commands = z.array(spec.ApplicationCommandUpdateRequestSchema).max(130)

const BODIES: Partial<Record<Operation, z.core.$ZodType>> = {
  create_dm: spec.CreatePrivateChannelRequestSchema,
  bulk_set_application_commands: commands,
  bulk_set_guild_application_commands: commands,
  create_message: spec.MessageCreateRequestSchema,
  update_message: spec.MessageEditRequestPartialSchema,
  create_thread_from_message: spec.CreateTextThreadWithMessageRequestSchema,
  execute_webhook: spec.IncomingWebhookRequestPartialSchema,
  update_original_webhook_message: spec.IncomingWebhookUpdateRequestPartialSchema,
  update_webhook_message: spec.IncomingWebhookUpdateRequestPartialSchema,
}

/** The OpenAPI has an integer there; Discord itself and every SDK write a string of digits. */
function withPermissionsAsNumbers(body: unknown): unknown {
  return list(body).map((command) => {
    const { default_member_permissions: permissions } = fields(command)
    if (typeof permissions !== 'string' || !/^\d+$/.test(permissions)) return command
    return { ...fields(command), default_member_permissions: Number(permissions) }
  })
}

function schemaOf(operation: Operation, body: unknown): z.core.$ZodType | undefined {
  if (operation !== 'create_interaction_response') return BODIES[operation]
  return RESPONSES[Number(fields(body).type)] ?? z.never()
}

const pathOf = (path: readonly PropertyKey[]) => path.map(String).join('.') || 'body'

/** Of a union the branch that is meant: the one whose `type` fits, else the one with the fewest faults. */
function meant(branches: string[][]): string[] | undefined {
  const fitting = branches.filter((branch) => !branch.some((says) => /(^|\.)type: invalid_value/.test(says)))
  return (fitting.length > 0 ? fitting : branches).sort((a, b) => a.length - b.length)[0]
}

/** Why not, the innermost reasons first. */
function reasons(issues: readonly z.core.$ZodIssue[], above: readonly PropertyKey[] = []): string[] {
  return issues.flatMap((issue) => {
    const here = [...above, ...issue.path]
    const branches = issue.code === 'invalid_union' ? issue.errors.map((branch) => reasons(branch, here)) : []
    const inner = meant(branches)
    return inner && inner.length > 0 ? inner : [`${pathOf(here)}: ${issue.code} ${issue.message}`]
  })
}

/** The keys that the schema does not know. Discord ignores them too. */
function unknownKeys(given: unknown, known: unknown, path: string): string[] {
  if (Array.isArray(given)) return given.flatMap((item, i) => unknownKeys(item, list(known)[i], `${path}.${i}`))
  if (given === null || typeof given !== 'object') return []
  return Object.entries(given).flatMap(([key, value]) =>
    key in fields(known) ? unknownKeys(value, fields(known)[key], `${path}.${key}`) : [`${path}.${key}`],
  )
}

/** What Discord's OpenAPI holds against this body, and which of its keys it does not know. */
export function specProblems(operation: Operation, body: unknown): { problems: string[]; unknown: string[] } {
  const schema = schemaOf(operation, body)
  if (!schema) return { problems: [], unknown: [] }
  const given = operation.startsWith('bulk_set') ? withPermissionsAsNumbers(body) : body
  const parsed = z.core.safeParse(schema, given)
  if (!parsed.success) return { problems: reasons(parsed.error.issues), unknown: [] }
  return { problems: [], unknown: unknownKeys(given, parsed.data, operation) }
}

import { DiscordAPIError, RateLimitError } from 'discord.js'

/** Makes the two errors that delivery knows. */
export interface DeliveryErrors {
  throttled(retryAfterMs: number): Error
  gone(reason: string): Error
}

/** Discord's JSON error codes (docs: opcodes-and-status-codes#json). */
export const Code = {
  unknownChannel: 10_003,
  unknownMember: 10_007,
  unknownMessage: 10_008,
  unknownUser: 10_013,
  unknownWebhook: 10_015,
  unknownInteraction: 10_062,
  alreadyAcknowledged: 40_060,
  missingAccess: 50_001,
  cannotMessageUser: 50_007,
  missingPermissions: 50_013,
  wrongChannelType: 50_024,
  invalidToken: 50_027,
  invalidRecipient: 50_033,
  invalidBody: 50_035,
  threadArchived: 50_083,
  threadExists: 160_004,
  threadLocked: 160_005,
  tooManyThreads: 160_006,
} as const

/** Why Discord will not show this message any more, however often it is tried. */
const gone = new Set<number>([
  Code.unknownChannel,
  Code.unknownMessage,
  Code.unknownUser,
  Code.missingAccess,
  Code.cannotMessageUser,
  Code.missingPermissions,
  Code.invalidRecipient,
  Code.threadArchived,
  Code.threadLocked,
])

/** Discord's code of an error; undefined for one that Discord did not answer with. */
export const codeOf = (error: unknown): number | undefined =>
  error instanceof DiscordAPIError && typeof error.code === 'number' ? error.code : undefined

export const isCode = (error: unknown, ...codes: readonly number[]): boolean => codes.includes(codeOf(error) ?? -1)

/** What an error of Discord's means to delivery; others are as they were. */
export function forDelivery(error: unknown, { throttled, gone: goneError }: DeliveryErrors): unknown {
  if (error instanceof RateLimitError) {
    return throttled(Math.ceil(Math.max(error.retryAfter, error.timeToReset, error.sublimitTimeout)))
  }
  const code = codeOf(error)
  return code !== undefined && gone.has(code) ? goneError(`${code} ${(error as Error).message}`) : error
}

import type { ApiErrorCode } from './api-error.ts'
import type { GatewayControls } from './gateway.ts'
import type { GuildOptions } from './guild.ts'
import type { Person } from './person.ts'
import type { Operation } from './routes.ts'
import type { ApiCall, DiscordMessage } from './transcript.ts'

export interface DiscordStandInOptions extends GuildOptions {
  /** Discord gives an app 3 s; tests of an app that does not answer may take less. */
  ackWithinMs?: number
  /** How often the bot is to send a heartbeat; Discord's own 41.25 s when left out. */
  heartbeatMs?: number
}

/** Each fault is used up in the order it was asked for. Operations have the names of Discord's OpenAPI. */
export interface FaultControls {
  /** The next `times` calls get 429 with this Retry-After. */
  rateLimit(operation: Operation, times: number, retryAfterSeconds: number): void
  /** The next calls get this HTTP status and no JSON. */
  fail(operation: Operation, status: number, times?: number): void
  /** The next calls get this error of Discord's. */
  error(operation: Operation, code: ApiErrorCode, times?: number): void
  /** The next calls are taken and never answered. Nothing is done. */
  hang(operation: Operation, times?: number): void
  /** The next calls take effect, then their socket is reset before the answer. */
  dropAfterProcessing(operation: Operation, times?: number): void
}

/**
 * A Discord for tests on loopback: every REST body is held against Discord's own OpenAPI and the rules that it leaves
 * out, the gateway is the stand-in's own. `violations` holds every rule that the bot broke, and every time a person
 * would have seen "did not respond"; a good test ends with it empty.
 */
export interface DiscordStandIn extends Person, FaultControls, GatewayControls {
  /** Ends in `/api`. */
  apiUrl: string
  token: string
  applicationId: string
  guildId: string
  /** Their ids by name. */
  users: Record<string, string>
  roles: Record<string, string>
  channels: Record<string, string>
  /** What the bot has registered, as it sent it. */
  commands(): Record<string, unknown>[]
  /** The messages of a channel or thread (name or id) that everybody sees, oldest first. */
  messages(channel: string): DiscordMessage[]
  /** What this person alone was shown and has not lost since, oldest first. */
  ephemerals(user: string): DiscordMessage[]
  /** Somebody deletes it. */
  deleteMessage(message: DiscordMessage): void
  /** Somebody deletes the channel. */
  deleteChannel(channel: string): void
  /** Gives a person these roles (names), in place of those they had. */
  setRoles(user: string, roles: string[]): void
  /** Every call, of one operation if named, oldest first. */
  calls(operation?: Operation): ApiCall[]
  /** Waits until `check` gives something; looks again whenever anything changed. Rejects after 10 s unless told. */
  until<T>(check: () => T | undefined | null | false, timeoutMs?: number): Promise<T>
  /** on: no connection succeeds and all sockets are cut. */
  outage(on: boolean): void
  /** The token is worth nothing any more: 401, and 4004 on the gateway. */
  revokeToken(): void
  /** Moves the stand-in's clock ahead: interaction tokens expire by it. */
  advance(ms: number): void
  violations: string[]
  /** Keys of bodies that the OpenAPI does not know; Discord ignores them. */
  unknown: string[]
  close(): Promise<void>
}

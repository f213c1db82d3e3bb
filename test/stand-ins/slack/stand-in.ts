import type { StandInUsergroup } from './answers.ts'
import type { FaultControls } from './faults.ts'
import type { Modal } from './modal.ts'
import type { Person } from './person.ts'
import type { SocketModeControls } from './socket-mode.ts'
import type { ApiCall, EphemeralMessage, SlackMessage } from './transcript.ts'
import type { StandInChannel, StandInUser } from './workspace.ts'

/** The bot scopes of the app's manifest, as the stand-in grants them unless told otherwise. */
export const DEFAULT_SCOPES = [
  'commands chat:write chat:write.public files:write app_mentions:read im:write',
  'users:read users:read.email usergroups:read channels:read groups:read',
  'channels:history groups:history im:history',
].flatMap((scopes) => scopes.split(' '))

export interface SlackStandInOptions {
  users: StandInUser[]
  channels: StandInChannel[]
  usergroups?: StandInUsergroup[]
  /** What the bot token may do; DEFAULT_SCOPES when left out. */
  scopes?: string[]
  /** false: every method is allowed, whatever the scopes. */
  strictScopes?: boolean
  /** Slack gives an app 3 s; tests of an app that does not answer may take less. */
  ackWithinMs?: number
}

/**
 * A Slack for tests on loopback: the Web API is npm `emulate`, Socket Mode, signed delivery, people and faults are
 * added here. `violations` holds every rule of Slack's that the bot broke, and every time a person would have seen
 * "did not respond"; a good test ends with it empty.
 */
export interface SlackStandIn extends Person, Modal, FaultControls, SocketModeControls {
  apiUrl: string
  botToken: string
  appToken: string
  signingSecret: string
  teamId: string
  botUserId: string
  /** Their ids by name. */
  users: Record<string, string>
  channels: Record<string, string>
  /** Live: change the members and the next usergroups call tells so. */
  usergroups: StandInUsergroup[]
  /** Delivers to this request URL (…/slack/events) instead of Socket Mode; undefined goes back. */
  deliverTo(url: string | undefined): void
  /** The top-level messages of a channel (name or id), each with its replies, oldest first. */
  messages(channel: string): SlackMessage[]
  /** What this person alone was shown, oldest first. */
  ephemerals(user: string): EphemeralMessage[]
  /** The channel id of the bot's direct messages with this person. */
  dm(user: string): Promise<string>
  /** Every Web API call, of one method if named, oldest first. */
  calls(method?: string): ApiCall[]
  /** Waits until `check` gives something; looks again whenever anything changed. Rejects after 10 s unless told. */
  until<T>(check: () => T | undefined | null | false, timeoutMs?: number): Promise<T>
  /** on: no connection succeeds and all sockets are cut. */
  outage(on: boolean): void
  /** Moves the stand-in's clock ahead: triggers and response_urls expire by it. */
  advance(ms: number): void
  /** The bytes of an uploaded file, from where its message says. */
  file(url: string): Promise<Buffer>
  violations: string[]
  close(): Promise<void>
}

import { z } from 'zod'
import { Secret } from '../core/secret.ts'
import type { Reply } from './answer.ts'
import { BadReply, type Method, PveError, TfaRequired } from './errors.ts'
import { Flag, parseReply } from './replies/parse.ts'

/** An API token, or an account and its password for the few calls that Proxmox refuses to tokens. */
export type Auth =
  | { token: { id: string; secret: Secret | string } }
  | { root: { password: Secret | string; user?: string | undefined } }

/** Proof of who calls. */
export interface Credentials {
  readonly identity: { user: string; tokenid?: string }
  /** May log in. Failures of that are the failures of `Login`, or `TfaRequired`. */
  pass(): Promise<Pass>
  /** Proxmox did not take this pass. True: `pass()` can give another one. */
  refused(pass: Pass): boolean
  /** Any secret of ours that has found its way into a text of theirs, blotted out. */
  redact(text: string): string
}

export interface Pass {
  headers(method: Method): Record<string, string>
}

/** Posts to /access/ticket. */
export type Login = (params: { username: string; password: string }) => Promise<Reply>

export function createCredentials(auth: Auth, login: Login, now: () => number): Credentials {
  return 'token' in auth ? tokenCredentials(auth.token) : ticketCredentials(auth.root, login, now)
}

function tokenCredentials(token: { id: string; secret: Secret | string }): Credentials {
  const [, user, tokenid] = /^([^\s!@]+@[^\s!@]+)!([^\s!=]+)$/.exec(token.id) ?? []
  if (user === undefined || tokenid === undefined) {
    throw new TypeError('a token id is user@realm!name, such as quorum@pve!bot')
  }
  const secret = Secret.of(token.secret)
  const pass: Pass = { headers: () => ({ authorization: `PVEAPIToken=${token.id}=${secret.reveal()}` }) }
  return {
    identity: { user, tokenid },
    pass: async () => pass,
    refused: () => false,
    redact: (text) => blot(text, [secret.reveal()]),
  }
}

/** Blotting out `root` wherever it stands would spoil the text and tell the password. */
const SHORTEST_BLOTTED = 8

/** The text without these secrets. */
export function blot(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= SHORTEST_BLOTTED)
    .reduce((rest, secret) => rest.replaceAll(secret, '[secret]'), text)
}

/** A ticket lives two hours, less when the cluster changes its key; it is renewed when half of that is over. */
const TICKET_LIFE_MS = 2 * 60 * 60_000
const RENEW_AFTER_MS = TICKET_LIFE_MS / 2

const TicketReply = z.object({
  ticket: z.string().min(1),
  CSRFPreventionToken: z.string().optional(),
  NeedTFA: Flag,
})

interface Ticket extends Pass {
  text: Secret
  csrf: Secret
  since: number
}

function ticketCredentials(
  account: { password: Secret | string; user?: string | undefined },
  login: Login,
  now: () => number,
): Credentials {
  const user = account.user ?? 'root@pam'
  const password = Secret.of(account.password)
  let current: Ticket | undefined
  let pending: Promise<Ticket> | undefined

  async function logIn(): Promise<Ticket> {
    const old = current !== undefined && now() - current.since < TICKET_LIFE_MS ? current : undefined
    return old ? renew(old) : issue(password)
  }

  async function renew(old: Ticket): Promise<Ticket> {
    try {
      return await issue(old.text)
    } catch (error) {
      // The cluster's key may have changed since.
      if (error instanceof PveError && error.status === 401) return issue(password)
      throw error
    }
  }

  async function issue(proof: Secret): Promise<Ticket> {
    const since = now()
    const reply = await login({ username: user, password: proof.reveal() })
    const { ticket, NeedTFA, CSRFPreventionToken } = parseReply(TicketReply, reply)
    if (NeedTFA || ticket.startsWith('PVE:!tfa!')) throw new TfaRequired(user)
    if (!CSRFPreventionToken) throw new BadReply(reply, 'missing', 'data.CSRFPreventionToken')
    return ticketOf(ticket, CSRFPreventionToken, since)
  }

  return {
    identity: { user },
    async pass() {
      if (current !== undefined && now() - current.since < RENEW_AFTER_MS) return current
      pending ??= logIn().finally(() => {
        pending = undefined
      })
      current = await pending
      return current
    },
    refused(pass) {
      if (pass === current) current = undefined
      return true
    },
    redact(text) {
      const secrets = [password, ...(current ? [current.text, current.csrf] : [])]
      return blot(
        text,
        secrets.map((secret) => secret.reveal()),
      )
    },
  }
}

function ticketOf(ticket: string, csrfToken: string, since: number): Ticket {
  const text = new Secret(ticket)
  const csrf = new Secret(csrfToken)
  return {
    text,
    csrf,
    since,
    headers: (method) => ({
      cookie: `PVEAuthCookie=${encodeURIComponent(text.reveal())}`,
      ...(method === 'GET' ? {} : { CSRFPreventionToken: csrf.reveal() }),
    }),
  }
}

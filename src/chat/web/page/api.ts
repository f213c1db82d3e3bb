import type { ApiError, Completion, Lab, Listed } from './wire.ts'

/** A request that failed. `status` is 0 and the code `unreachable` when the server did not answer at all. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly status: number
  readonly error: ApiError

  constructor(status: number, error: ApiError) {
    super(`${status} ${error.code}`)
    this.status = status
    this.error = error
  }
}

/** Who is speaking, and the language they want their answers in. No `user` where a session says who it is. */
export interface Speaker {
  user?: string | undefined
  language: string
}

export function listMessages(channel: string, after: number): Promise<{ messages: Listed[] }> {
  return request(`/api/messages?${new URLSearchParams({ channel, after: String(after) })}`)
}

export function streamUrl(channel: string): string {
  return `/api/stream?${new URLSearchParams({ channel })}`
}

export function postMessage(speaker: Speaker, channel: string, text: string): Promise<{ id: string }> {
  return post('/api/messages', { user: speaker.user, channel, text }, speaker)
}

export function postAction(
  speaker: Speaker,
  click: { messageId: string; actionId: string; values?: Record<string, string> | undefined },
): Promise<unknown> {
  return post('/api/actions', { user: speaker.user, ...click }, speaker)
}

export function complete(
  speaker: Speaker,
  channel: string,
  text: string,
  signal: AbortSignal,
): Promise<{ items: Completion[] }> {
  const query = new URLSearchParams({ ...(speaker.user ? { user: speaker.user } : {}), channel, text })
  return request(`/api/complete?${query}`, { signal, headers: { 'accept-language': speaker.language } })
}

/** Whom the session says we are. */
export function getMe(): Promise<{ identity?: string }> {
  return request('/api/me')
}

export function signOut(language: string): Promise<unknown> {
  return post('/api/sign-out', {}, { language })
}

export function getLab(): Promise<Lab> {
  return request('/api/lab')
}

/** `path` below /api/lab: `nodes/pve1`, `clock`, `reset`. */
export function postLab(speaker: Speaker, path: string, body: object): Promise<unknown> {
  return post(`/api/lab/${path}`, body, speaker)
}

function post<T>(path: string, body: object, speaker: Speaker): Promise<T> {
  const headers = { 'content-type': 'application/json', 'accept-language': speaker.language }
  return request(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await fetch(path, init).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause
    throw new Fault(0, { code: 'unreachable', says: '', hint: '' })
  })
  const body = await response.json().catch(() => undefined)
  if (response.ok) return body as T
  throw new Fault(
    response.status,
    body?.error ?? { code: `http-${response.status}`, says: response.statusText, hint: '' },
  )
}

/** What failed, in the shape that cards and lines show; anything but a Fault is a defect and is thrown on. */
export function errorOf(thrown: unknown): ApiError {
  if (thrown instanceof Fault) return thrown.error
  throw thrown
}

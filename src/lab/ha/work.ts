/** The workers of one local resource manager: at most four at a time, one per service, each for one request (uid). */
import type { HaLrmStatus, HaService } from '../model.ts'
import { type GuestAction, type HaEnvironment, RESULT } from './environment.ts'

const MAX_WORKERS = 4
/** Seconds that a guest has to stop unless told otherwise. */
const STOP_TIMEOUT = 60

interface Request {
  sid: string
  /** Absent for a stop that the way down asks for: the manager hears nothing of it. */
  uid?: string
  state: string
  target?: string
  timeoutSeconds: number
}

export interface Work {
  /** Asks for what each service here should be, and begins as much of it as there are workers. */
  round(services: [string, HaService][]): void
  /** A stop on the way down. */
  stop(sid: string): void
  /** No new requests; those that wait are begun as workers come free. */
  proceed(): void
  /** Requests that wait or run. */
  open(): number
  results(): HaLrmStatus['results']
}

/** `ended` is called after each request. */
export function createWork(env: HaEnvironment, ended: () => void): Work {
  const waiting = new Map<string, Request>()
  const running = new Set<string>()
  const tries = new Map<string, number>()
  let results: HaLrmStatus['results'] = {}

  /** One result a service, and none of earlier requests. */
  function keep(request: Request, code: number) {
    if (request.uid === undefined) return
    const others = Object.entries(results).filter(([, { sid }]) => sid !== request.sid)
    const result = { sid: request.sid, state: request.state, exit_code: code }
    results = { ...Object.fromEntries(others), [request.uid]: result }
  }

  /** Whether a start that failed is to be repeated here, in the next round, before the manager hears of it. */
  function isRepeated({ sid, state }: Request, code: number): boolean {
    const made = tries.get(sid) ?? 0
    const allowed = Number(env.config().resources.get(sid)?.keys.max_restart ?? 1)
    const again = state === 'started' && code === RESULT.error && made < allowed
    if (again) tries.set(sid, made + 1)
    else tries.delete(sid)
    return again
  }

  async function carryOut(request: Request) {
    running.add(request.sid)
    try {
      const code = await perform(env, request)
      if (!isRepeated(request, code)) keep(request, code)
    } finally {
      running.delete(request.sid)
      begin()
      ended()
    }
  }

  function begin() {
    for (const [sid, request] of waiting) {
      if (running.size >= MAX_WORKERS) return
      if (running.has(sid)) continue
      waiting.delete(sid)
      void carryOut(request)
    }
  }

  return {
    round(services) {
      for (const [sid, service] of services) {
        const request = requestFor(sid, service)
        if (!request || running.has(sid) || waiting.get(sid)?.uid === request.uid) continue
        if (request.state !== 'stopped' && results[service.uid]) continue
        if (waiting.get(sid) && waiting.get(sid)?.uid === undefined) continue
        waiting.set(sid, request)
      }
      begin()
    },
    stop(sid) {
      waiting.set(sid, { sid, state: 'stopped', timeoutSeconds: STOP_TIMEOUT })
    },
    proceed: begin,
    open: () => waiting.size + running.size,
    results: () => results,
  }
}

const IDLE = new Set(['freeze', 'fence', 'recovery', 'request_start'])

function requestFor(sid: string, service: HaService): Request | undefined {
  if (IDLE.has(service.state)) return undefined
  return {
    sid,
    uid: service.uid,
    state: service.state,
    ...(service.target === undefined ? {} : { target: service.target }),
    timeoutSeconds: service.timeout === undefined ? STOP_TIMEOUT : Number(service.timeout),
  }
}

/** Brings the guest to what the state asks for. */
async function perform(env: HaEnvironment, request: Request): Promise<number> {
  const { sid, state } = request
  if (env.guest(sid)?.node !== env.node) return RESULT.wrongNode
  if (state === 'error') return RESULT.success
  if (state === 'started') return env.isRunning(sid) ? RESULT.success : outcome(env, sid, { do: 'start' })
  if (state === 'stopped' || state === 'request_stop') return stop(env, request)
  return move(env, request)
}

const outcome = async (env: HaEnvironment, sid: string, action: GuestAction) =>
  (await env.act(sid, action)) ? RESULT.success : RESULT.error

const stop = (env: HaEnvironment, { sid, timeoutSeconds }: Request) =>
  env.isRunning(sid) ? outcome(env, sid, { do: 'stop', timeoutSeconds }) : RESULT.success

async function move(env: HaEnvironment, request: Request): Promise<number> {
  const { sid, state, target } = request
  if (target === undefined) return RESULT.error
  if (target === env.node) return RESULT.success
  const online = env.isRunning(sid) && state === 'migrate'
  if (env.isRunning(sid) && !online) {
    if (!(await env.act(sid, { do: 'stop', timeoutSeconds: STOP_TIMEOUT }))) return RESULT.error
  }
  return outcome(env, sid, { do: 'migrate', target, online })
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createConnection, Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'

/** There is no private Redis; the message says to the person in one sentence what to do. */
export class NoPrivateRedis extends Error {
  override readonly name = 'NoPrivateRedis'
}

export interface RedisProcess {
  /** Of the server itself, not of the shell that watches it. */
  readonly pid: number
  /** SIGTERM, after five seconds SIGKILL; comes back when nothing is left. Harmless when it has ended already. */
  end(): Promise<void>
  kill9(): Promise<void>
}

/** How long loading the data, or the end of a server that an earlier run left, may take. */
const startTimeoutMs = 60_000
const leaveTimeoutMs = 10_000
const probeMs = 25

/**
 * Stands between us and the server: it holds the reading end of a pipe whose other end only this process has, and ends
 * the server when that pipe closes, which the kernel does for us even after a SIGKILL. Arguments: program (or empty),
 * log file, the server's arguments. Prints the server's process id; exits with the server's code.
 */
const guardScript = `
umask 077
program=$1 log=$2
shift 2
if [ -z "$program" ]; then
  PATH="$PATH:/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin"
  program=$(command -v redis-server || command -v valkey-server) || exit 127
fi
exec 3<&0 </dev/null
"$program" "$@" 3<&- >"$log" 2>&1 &
server=$!
echo "$server"
(
  while read -r _ <&3; do :; done
  kill -TERM "$server"
  tries=0
  while [ "$tries" -lt 50 ] && kill -0 "$server"; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$server"
) >/dev/null 2>&1 &
guard=$!
wait "$server"
code=$?
kill -KILL "$guard"
exit "$code"
`

const serverArguments = (folder: string, socketPath: string): string[] => [
  ...['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700', '--dir', folder],
  ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '', '--maxmemory-policy', 'noeviction'],
]

/** Starts the server and comes back when it answers PING with its data loaded; throws `NoPrivateRedis` with its log. */
export async function launchRedis(wanted: {
  folder: string
  socketPath: string
  binary: string | undefined
}): Promise<RedisProcess> {
  const { folder, socketPath, binary = '' } = wanted
  await untilNobodyListens(socketPath, folder)
  const log = join(folder, 'redis.log')
  const args = ['-c', guardScript, 'quorum-redis', binary, log, ...serverArguments(folder, socketPath)]
  // A session of its own: a terminal's Ctrl-C must not end Redis before the jobs have been put away.
  const guard = spawn('/bin/sh', args, { cwd: folder, detached: true, stdio: ['pipe', 'pipe', 'ignore'] })
  guard.stdin?.on('error', () => {})
  const exit = once(guard, 'exit')
  const failed = exit.then(async ([code]) => {
    throw new NoPrivateRedis(await whyNot(code, log))
  })
  failed.catch(() => {})
  const end = async () => {
    guard.ref()
    guard.stdin?.end()
    await exit
  }
  try {
    const pid = Number(await Promise.race([firstLine(guard), failed]))
    await untilReady(socketPath, failed)
    letGo(guard)
    return { pid, end, kill9: () => kill9(pid, guard, end) }
  } catch (error) {
    await end()
    throw error
  }
}

/** A killed run's server may still be closing its files; two servers must never write to one folder. */
async function untilNobodyListens(socketPath: string, folder: string): Promise<void> {
  const giveUpAt = performance.now() + leaveTimeoutMs
  while (await someoneListens(socketPath)) {
    if (performance.now() > giveUpAt) {
      throw new NoPrivateRedis(`A Redis server of an earlier run still uses ${folder}: stop it, then start again.`)
    }
    await delay(probeMs)
  }
}

async function someoneListens(socketPath: string): Promise<boolean> {
  const socket = createConnection(socketPath)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function firstLine(guard: ChildProcess): Promise<string> {
  if (!guard.stdout) throw new Error('the guard was started without a pipe')
  const [line] = await once(createInterface({ input: guard.stdout }), 'line')
  return line
}

/** ioredis asks for INFO before its first command, and tries again while the server still loads its data. */
async function untilReady(socketPath: string, failed: Promise<never>): Promise<void> {
  const giveUpAt = performance.now() + startTimeoutMs
  const retryStrategy = () => (performance.now() > giveUpAt ? null : probeMs)
  const redis = new Redis({ path: socketPath, maxRetriesPerRequest: null, retryStrategy })
  redis.on('error', () => {})
  try {
    await Promise.race([redis.ping(), failed])
  } finally {
    redis.disconnect()
  }
}

/** From here on the server alone keeps no process alive; the pipe closes with us. */
function letGo(guard: ChildProcess): void {
  guard.stdout?.destroy()
  if (guard.stdin instanceof Socket) guard.stdin.unref()
  guard.unref()
}

async function kill9(pid: number, guard: ChildProcess, end: () => Promise<void>): Promise<void> {
  if (guard.exitCode === null && guard.signalCode === null) process.kill(pid, 'SIGKILL')
  await end()
}

async function whyNot(code: number | null, log: string): Promise<string> {
  if (code === 127) {
    return 'Neither redis-server nor valkey-server is installed: install one, or set REDIS_URL to a Redis that runs.'
  }
  const said = await readFile(log, 'utf8').catch(() => '')
  return `The private Redis ended with code ${code}; the end of ${log}:\n${said.trim().split('\n').slice(-5).join('\n')}`
}

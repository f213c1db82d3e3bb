import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmod, lstat, mkdir, rm } from 'node:fs/promises'
import { createConnection, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { launchRedis, NoPrivateRedis } from './redis-process.ts'

export { NoPrivateRedis }

/** A Redis (or Valkey) server of our own: no TCP port, one unix socket that only this user reaches. */
export interface PrivateRedis {
  /** For `REDIS_URL`: `unix:///folder/redis.sock`, percent-encoded like a `file:` URL. */
  readonly url: string
  readonly socketPath: string
  /** Of the server itself; another one after `restart()`. */
  readonly pid: number
  /** Ends the server as it wants to be ended, data on disk. A `test` server's data goes with it. */
  stop(): Promise<void>
  /** Ends the server by SIGKILL: what `appendfsync everysec` had not synced is still in the kernel and survives. */
  kill9(): Promise<void>
  /** Starts it again with its data, at the same `url`; ends it first if it runs. */
  restart(): Promise<void>
}

export interface PrivateRedisOptions {
  /** The server's files are kept in `redis/` below it. Both are made with mode 0700 when absent. */
  dir: string
  /** Path of redis-server or valkey-server; else the first one found on PATH and in the usual folders. */
  binary?: string | undefined
  /** `test`: the data is thrown away by `stop()`. Default `lab`. */
  kind?: 'lab' | 'test' | undefined
}

/** Unix sockets take about 104 bytes on macOS and 108 on Linux. */
const longestSocketPath = 99

/**
 * Starts a server and comes back when it answers PING. It ends with this process, however this process ends, and does
 * not keep it alive. Throws `NoPrivateRedis` when the folder is in use, no server is installed, or it does not start.
 */
export async function startPrivateRedis(options: PrivateRedisOptions): Promise<PrivateRedis> {
  const folder = resolve(options.dir, 'redis')
  const sockets = socketFolder(folder)
  await makePrivate(folder)
  await makePrivate(sockets)
  const socketPath = join(sockets, 'redis.sock')
  const claim = await claimFolder(join(sockets, 'claim.sock'), folder)
  const start = () => launchRedis({ folder, socketPath, binary: options.binary })
  let server = await start().catch(async (error) => {
    await release(claim)
    throw error
  })
  return {
    url: pathToFileURL(socketPath).href.replace(/^file:/, 'unix:'),
    socketPath,
    get pid() {
      return server.pid
    },
    async stop() {
      await server.end()
      await release(claim)
      if (sockets !== folder) await rm(sockets, { recursive: true, force: true })
      if (options.kind === 'test') await rm(folder, { recursive: true, force: true })
    },
    kill9: () => server.kill9(),
    async restart() {
      await server.end()
      server = await start()
    },
  }
}

/** The data's own folder, or where its path is too long for a socket, one in the temporary folder that is tied to it. */
function socketFolder(folder: string): string {
  if (Buffer.byteLength(join(folder, 'redis.sock')) <= longestSocketPath) return folder
  const mark = createHash('sha256').update(`${process.getuid?.()} ${folder}`).digest('hex').slice(0, 16)
  return join(tmpdir(), `quorum-${mark}`)
}

/** Mode 0700 and ours: a folder that someone else laid ready in the temporary folder is refused. */
async function makePrivate(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const stat = await lstat(folder)
  if (!stat.isDirectory() || (process.getuid && stat.uid !== process.getuid())) {
    throw new NoPrivateRedis(`${folder} belongs to somebody else: remove it or choose another data folder.`)
  }
  await chmod(folder, 0o700)
}

/**
 * Makes this process the one user of the folder. The claim is a listening socket: unlike a file with a process id in
 * it, it ends with its process, so what a killed run left behind is told from a living one.
 */
async function claimFolder(path: string, folder: string): Promise<Server> {
  const holder = await answerAt(path)
  if (holder !== undefined) {
    throw new NoPrivateRedis(
      `Another Quorum (process ${holder}) already runs with ${dirname(folder)}: stop it, or give this one another data folder.`,
    )
  }
  await rm(path, { force: true })
  const server = createServer((socket) => socket.on('error', () => {}).end(`${process.pid}`)).unref()
  server.listen(path)
  await once(server, 'listening')
  return server
}

async function release(claim: Server): Promise<void> {
  claim.close()
  await once(claim, 'close')
}

/** What the listener at a socket says before it hangs up; undefined when nobody listens. */
async function answerAt(path: string): Promise<string | undefined> {
  const socket = createConnection(path)
  try {
    let said = ''
    for await (const chunk of socket.setEncoding('utf8')) said += chunk
    return said
  } catch {
    return undefined
  }
}

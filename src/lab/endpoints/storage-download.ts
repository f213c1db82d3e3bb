/**
 * `download-url` and `upload`. The lab has no Internet: what a URL holds is made up from its name, always the same size
 * for the same URL. A host in `.invalid` cannot be resolved, one in 127.0.0.0/8 refuses, a path with `404` is not found,
 * and a checksum of one repeated digit does not match; any other checksum does.
 */
import { badParams, fail } from '../fault.ts'
import type { Backing, StorageEntry } from '../model.ts'
import { sha1Hex } from '../random.ts'
import type { Context, Json, Route } from '../router.ts'
import { optStr, str } from '../router.ts'
import type { TaskHandle } from '../tasks.ts'
import { logTime } from './log-time.ts'
import { activate, storageOn } from './storage-access.ts'
import { layoutOf, parseVolumeName, volumePath } from './storage-types.ts'
import { freeOn } from './storage-volumes.ts'

const MIB = 1024 ** 2
/** A line of wget's `--progress=dot:giga`: 32 dots of one MiB. */
const LINE = 32 * MIB
const BYTES_PER_SECOND = 110 * MIB

export interface Incoming {
  entry: StorageEntry
  backing: Backing
  name: string
  path: string
}

function incoming(ctx: Context): Incoming {
  return incomingFile(ctx, str(ctx, 'content'), optStr(ctx, 'filename') ?? ctx.upload?.filename ?? '')
}

/** Where a file of that kind will lie; throws where the storage does not take it. */
export function incomingFile(ctx: Context, content: string, filename: string): Incoming {
  const storage = str(ctx, 'storage')
  const entry = storageOn(ctx.config, storage, ctx.node.name)
  if (layoutOf(entry) !== 'file') throw badParams({ storage: `can't upload to storage type '${entry.type}'` })
  if (!entry.content.includes(content)) {
    throw badParams({ storage: `storage '${storage}' does not support '${content}' content` })
  }
  const name = `${content}/${normalized(filename)}`
  checkExtension(entry, name)
  return { entry, backing: activate(ctx, entry), name, path: volumePath(entry, name) }
}

/** The browser's path cut off, and what does not belong in a file name replaced. */
const normalized = (filename: string) => filename.replace(/^.*[/\\]/, '').replace(/[^-a-zA-Z0-9_.]/g, '_')

function checkExtension(entry: StorageEntry, name: string) {
  try {
    parseVolumeName(entry, name)
  } catch {
    throw badParams({ filename: 'wrong file extension' })
  }
}

function download(ctx: Context): Json {
  const file = incoming(ctx)
  const url = str(ctx, 'url')
  if (file.backing.volumes.some((volume) => volume.name === file.name)) {
    throw fail(`refusing to override existing file '${file.path}'`)
  }
  return startDownload(ctx, file, url, optStr(ctx, 'checksum'))
}

/** The task that fetches a file; what is there under its name is replaced. */
export function startDownload(ctx: Context, file: Incoming, url: string, checksum: string | undefined): Json {
  const id = file.name.slice(file.name.indexOf('/') + 1)
  return ctx.task({ type: 'download', id }, async (task) => {
    task.log(`downloading ${url} to ${file.path}`)
    const size = sizeOf(url)
    await fetchFile(ctx, task, file, url, size)
    if (checksum !== undefined) await compare(task, checksum)
    store(ctx, file, size)
    task.log(`download of '${url}' to '${file.path}' finished`)
  })
}

/** 64 MiB to about 2 GiB. */
const sizeOf = (url: string) => 64 * MIB + (Number.parseInt(sha1Hex(url).slice(0, 8), 16) % (2 * 1024 * MIB))

async function fetchFile(ctx: Context, task: TaskHandle, file: Incoming, url: string, size: number) {
  const { hostname, port, protocol, pathname } = new URL(url)
  const at = port === '' ? (protocol === 'https:' ? '443' : '80') : port
  const stamp = () => logTime(task.node, ctx.sim.clock.now())
  task.log(`--${stamp()}--  ${url}`)
  await task.sleep(0.4)
  if (hostname.endsWith('.invalid')) {
    task.log(`Resolving ${hostname} (${hostname})... failed: Name or service not known.`)
    task.log(`wget: unable to resolve host address '${hostname}'`)
    throw fail('download failed: exit code 4')
  }
  if (/^(127\.|localhost$)/.test(hostname)) {
    task.log(`Connecting to ${hostname}:${at}... failed: Connection refused.`)
    throw fail('download failed: exit code 4')
  }
  task.log(`Connecting to ${hostname} (${hostname})|:${at}... connected.`)
  if (pathname.includes('404')) {
    task.log('HTTP request sent, awaiting response... 404 Not Found')
    task.log(`${stamp()} ERROR 404: Not Found.`)
    throw fail('download failed: exit code 8')
  }
  task.log('HTTP request sent, awaiting response... 200 OK')
  task.log(`Length: ${size} (${Math.round(size / MIB)}M) [application/octet-stream]`)
  const temporary = `${file.path}.tmp_dwnl.${Number.parseInt(task.upid.split(':')[2] ?? '0', 16)}`
  task.log(`Saving to: '${temporary}'`)
  await pour(task, file, size)
  task.log(`${stamp()} (${Math.round(BYTES_PER_SECOND / 1e6)} MB/s) - '${temporary}' saved [${size}/${size}]`)
}

async function pour(task: TaskHandle, { backing }: Incoming, size: number) {
  for (let done = 0; done < size; done += LINE) {
    const part = Math.min(LINE, size - done)
    await task.sleep(part / BYTES_PER_SECOND)
    if (freeOn(backing) < done + part) {
      task.log('Cannot write: No space left on device')
      throw fail('download failed: exit code 3')
    }
    const percent = Math.floor(((done + part) / size) * 100)
    const left = Math.round((size - done - part) / BYTES_PER_SECOND)
    const offset = `${Math.round(done / 1024)}K`.padStart(6)
    task.log(`${offset} ........ ........ ........ ........ ${String(percent).padStart(2)}%  110M ${left}s`)
    task.progress(percent)
  }
}

async function compare(task: TaskHandle, expected: string) {
  await task.sleep(1)
  if (!/^(.)\1*$/.test(expected)) return task.log('calculating checksum...OK, checksum verified')
  throw fail(`checksum mismatch: got '${sha1Hex(expected)}' != expect '${expected}'`)
}

function store(ctx: Context, { entry, backing, name }: Incoming, size: number) {
  const { content, format } = parseVolumeName(entry, name)
  const ctime = Math.floor(ctx.sim.clock.now())
  backing.volumes = [...backing.volumes.filter((old) => old.name !== name), { name, content, format, size, ctime }]
}

function upload(ctx: Context): Json {
  const file = incoming(ctx)
  const temporary = optStr(ctx, 'tmpfilename') ?? `/var/tmp/pveupload-${ctx.sim.random.hex(32)}`
  const size = ctx.upload?.size ?? 0
  const checksum = optStr(ctx, 'checksum')
  return ctx.task({ type: 'imgcopy' }, async (task) => {
    task.log(`starting file import from: ${temporary}`)
    if (checksum !== undefined) await compare(task, checksum)
    task.log(`target node: ${task.node.name}`)
    task.log(`target file: ${file.path}`)
    task.log(`file size is: ${size}`)
    task.log(`command: cp -- ${temporary} ${file.path}`)
    await task.sleep(0.2 + size / (4 * BYTES_PER_SECOND))
    if (freeOn(file.backing) < size) {
      throw fail(`import failed: cp: error writing '${file.path}': No space left on device`)
    }
    store(ctx, file, size)
    task.log('finished file import successfully')
  })
}

/** A page by its ending; the rest is a file. Proxmox itself asks the address for its headers. */
function facts(ctx: Context): Json {
  const url = str(ctx, 'url')
  const { hostname, pathname } = new URL(url)
  if (hostname.endsWith('.invalid')) throw fail(`Can't connect to ${hostname}:443 (Name or service not known)`)
  if (pathname.includes('404')) throw fail(`invalid server response: '404 Not Found'`)
  const isPage = /\.html?$|\/$/.test(pathname) || pathname.includes('page')
  const filename = pathname.split('/').at(-1) ?? ''
  if (isPage) return { filename, mimetype: 'text/html', size: 18_423 }
  return { filename, mimetype: 'application/octet-stream', size: sizeOf(url) }
}

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/query-url-metadata', handler: facts },
  { method: 'POST', path: '/nodes/{node}/storage/{storage}/download-url', handler: download },
  { method: 'POST', path: '/nodes/{node}/storage/{storage}/upload', handler: upload },
]

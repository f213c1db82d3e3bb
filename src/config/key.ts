import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConfigFaults, type Fault, outside } from './faults.ts'
import { type Env, unreadable } from './references.ts'

const keyLength = 32

export const keyFault: Fault = outside(
  'QUORUM_KEY',
  'must be 32 bytes: 64 hexadecimal digits, or base64',
  'Make one with: openssl rand -hex 32',
)

/** 32 bytes from 64 hexadecimal digits or base64 (either alphabet, with or without padding). */
export function keyBytes(text: string): Buffer | undefined {
  const trimmed = text.trim()
  if (/^[\da-f]{64}$/i.test(trimmed)) return Buffer.from(trimmed, 'hex')
  if (!/^[\w+/-]{43}=?$/.test(trimmed)) return undefined
  const bytes = Buffer.from(trimmed, 'base64')
  return bytes.length === keyLength ? bytes : undefined
}

/**
 * The key that seals and signs: `QUORUM_KEY`, else the file `key` in `dataDir`, which the first process to ask makes
 * (mode 0600; several at once get the same key). Throws `ConfigFaults` for a key of another length, for a file that
 * others may read, and where the folder cannot be written.
 */
export function loadKey({ env, dataDir }: { env: Env; dataDir: string }): Buffer {
  if (env.QUORUM_KEY) {
    const given = keyBytes(env.QUORUM_KEY)
    if (!given) throw new ConfigFaults([keyFault])
    return given
  }
  const file = join(dataDir, 'key')
  try {
    return readKey(file) ?? makeKey(dataDir, file)
  } catch (error) {
    if (error instanceof ConfigFaults) throw error
    const hint = 'Set QUORUM_DATA to a folder that this user may write, or give the key in QUORUM_KEY.'
    throw new ConfigFaults([outside(file, `cannot be used: the file or its folder ${unreadable(error)}`, hint)])
  }
}

/** Where the key is, without making one; `mode` of its file as `ls` would have it, in octal. Reads no key. */
export function lookAtKey({ env, dataDir }: { env: Env; dataDir: string }) {
  if (env.QUORUM_KEY) return { kind: 'given' as const }
  const file = join(dataDir, 'key')
  try {
    return { kind: 'file' as const, file, mode: (statSync(file).mode & 0o777).toString(8) }
  } catch {
    return { kind: 'none' as const, file }
  }
}

function readKey(file: string): Buffer | undefined {
  try {
    const shared = (statSync(file).mode & 0o077) !== 0
    if (shared) throw new ConfigFaults([outside(file, 'may be read by other users', `Run: chmod 600 ${file}`)])
    const key = keyBytes(readFileSync(file, 'utf8'))
    if (key) return key
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const hint = 'Put the old file back from a backup; with a new key nothing sealed or signed before can be read.'
  throw new ConfigFaults([outside(file, 'does not hold a key of 32 bytes', hint)])
}

/** Written whole under a name of its own, then linked: nobody ever reads half a key, and the first to link wins. */
function makeKey(dataDir: string, file: string): Buffer {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const draft = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`
  writeDurably(draft, `${randomBytes(keyLength).toString('hex')}\n`)
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  const key = readKey(file)
  if (!key) throw new ConfigFaults([outside(file, 'vanished while it was being made', 'Start again.')])
  return key
}

function writeDurably(file: string, text: string): void {
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeSync(handle, text)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
  chmodSync(file, 0o600)
}

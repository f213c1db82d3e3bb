import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { near } from '../core/near.ts'
import type { Finding, Path } from './faults.ts'
import { type ProcessRole, useOf } from './secret-places.ts'

export type Env = Readonly<Record<string, string | undefined>>

interface Options {
  env: Env
  /** Folder that `${file:PATH}` is relative to. */
  folder: string
  role: ProcessRole
}

const largestFile = 64 * 1024
const dropped = Symbol('dropped')

/**
 * Puts values in the places of `${NAME}` and `${file:PATH}`, whole or inside a text; `$${` stands for a plain `${`.
 * What is put in is never looked at again for references. Leaves out the secrets that `role` does not use without
 * looking them up, and, where it only may use one, those that are not set.
 */
export function fillReferences(data: unknown, options: Options): { data: unknown; findings: Finding[] } {
  const findings: Finding[] = []
  const filled = fill(data, [], options, findings)
  return { data: filled === dropped ? undefined : filled, findings }
}

function fill(value: unknown, path: Path, options: Options, findings: Finding[]): unknown {
  const use = useOf(options.role, path)
  if (use === 'never') return dropped
  const own: Finding[] = []
  const filled = fillBelow(value, path, options, own)
  if (use === 'may' && own.length > 0) return dropped
  // Compose files pass a variable that nobody set as an empty one: that platform is off.
  if (filled === '' && value !== '' && path[0] === 'chat' && use !== 'open') return dropped
  findings.push(...own)
  return filled
}

function fillBelow(value: unknown, path: Path, options: Options, findings: Finding[]): unknown {
  if (typeof value === 'string') return fillText(value, path, options, findings)
  if (Array.isArray(value)) {
    return value.map((item, i) => fill(item, [...path, i], options, findings)).filter((item) => item !== dropped)
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, fill(item, [...path, key], options, findings)])
  return Object.fromEntries(entries.filter(([, item]) => item !== dropped))
}

function fillText(text: string, path: Path, options: Options, findings: Finding[]): string {
  return text.replace(/\$\$\{|\$\{([^}]*)(\}?)/g, (whole, inside: string | undefined, close: string | undefined) => {
    if (inside === undefined) return '${'
    const found = close === '' ? malformed : lookUp(inside, options)
    if (typeof found === 'string') return found
    findings.push({ path, ...found })
    return whole
  })
}

interface Missing {
  says: string
  hint: string
}

const malformed: Missing = {
  says: `has a \${ that is neither \${NAME} nor \${file:PATH}`,
  hint: `Write \${NAME} or \${file:PATH}; a plain \${ is written $\${.`,
}

function lookUp(inside: string, { env, folder }: Options): string | Missing {
  if (inside.startsWith('file:')) return fromFile(inside.slice('file:'.length), folder)
  if (!/^[A-Za-z_]\w*$/.test(inside)) return malformed
  return env[inside] ?? notSet(inside, env)
}

function notSet(name: string, env: Env): Missing {
  const [close] = near(name, Object.keys(env), 1)
  const meant = close ? ` Did you mean ${close}?` : ''
  return {
    says: `takes \${${name}} from the environment, where it is not set`,
    hint: `Set ${name} for this process, or keep the value in a file and write \${file:PATH}.${meant}`,
  }
}

function fromFile(name: string, folder: string): string | Missing {
  const file = resolve(folder, name)
  const refuse = (why: string): Missing => ({
    says: `takes its value from the file ${file}, which ${why}`,
    hint: `Check the path (a relative one starts at ${folder}) and that this user may read it: ls -l ${file}`,
  })
  if (name === '') return malformed
  try {
    const found = statSync(file)
    if (!found.isFile()) return refuse('is not a file')
    if (found.size > largestFile) return refuse('is larger than 64 KiB')
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
    return text === '' ? refuse('is empty') : text
  } catch (error) {
    return refuse(unreadable(error))
  }
}

/** Why a file could not be read, in words. */
export function unreadable(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'does not exist'
  if (code === 'EACCES' || code === 'EPERM') return 'this user may not read'
  if (code === 'EISDIR') return 'is a folder'
  return `cannot be read (${code ?? 'unknown reason'})`
}

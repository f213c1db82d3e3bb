import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { assemble } from './config/assemble.ts'
import { crossChecks } from './config/cross-checks.ts'
import { examineEnvironment, readEnvironment as read } from './config/environment.ts'
import { ConfigFaults, type Fault, type Finding, outside, pathText } from './config/faults.ts'
import { faultsOf } from './config/issues.ts'
import { loadKey as load, lookAtKey as look } from './config/key.ts'
import { type Env, fillReferences, unreadable } from './config/references.ts'
import { fileSchema } from './config/schema.ts'
import type { ProcessRole } from './config/secret-places.ts'
import { readSource, type Source } from './config/source.ts'
import type { Config } from './config/types.ts'

export { labBlueprints, openBlueprints } from './config/blueprint-files.ts'
export type { Environment } from './config/environment.ts'
export { ConfigFaults } from './config/faults.ts'
export { parseRedisUrl } from './config/redis-url.ts'
export type { Env } from './config/references.ts'
export type { ProcessRole } from './config/secret-places.ts'
export type * from './config/types.ts'

export interface LoadOptions {
  role: ProcessRole
  env?: Env
  /** Before `QUORUM_CONFIG`, which is before `./quorum.yaml`. The lab reads no file that nobody named. */
  path?: string
  /** Whole sections in the place of the file's, already checked. */
  overrides?: Partial<Config>
}

/**
 * Reads, checks and normalises the configuration for one kind of process. Looks up only the secrets that `role` uses.
 * Throws `ConfigFaults` with everything that is wrong, in the file and in the environment.
 */
export function loadConfig({ role, env = process.env, path, overrides }: LoadOptions): Config {
  const { environment, faults } = examineEnvironment(env)
  const given = path ?? environment.configPath ?? (role === 'lab' ? undefined : 'quorum.yaml')
  const file = given === undefined ? undefined : resolve(given)
  const text = file === undefined ? tokensFromEnvironment : textOf(file, faults)
  const examined = text === undefined ? { faults: [] } : examine(text, role, env, dirname(file ?? resolve('.', 'lab')))
  faults.push(...examined.faults)
  if (faults.length > 0 || !('contents' in examined)) throw new ConfigFaults(faults, shownPath(file))
  const config = assemble(examined.contents, { file, role, port: environment.port })
  return { ...config, ...overrides }
}

/** What `quorum lab` joins without a file: any platform whose tokens are set. */
const tokensFromEnvironment = `
chat:
  slack: { botToken: \${SLACK_BOT_TOKEN}, appToken: \${SLACK_APP_TOKEN}, signingSecret: \${SLACK_SIGNING_SECRET} }
  discord: { token: \${DISCORD_TOKEN} }
`

function textOf(file: string, faults: Fault[]): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const hint = 'Copy examples/quorum.yaml to ./quorum.yaml and fill it in, or set QUORUM_CONFIG to the path of yours.'
    faults.push(outside(file, unreadable(error), hint))
    return undefined
  }
}

function examine(text: string, role: ProcessRole, env: Env, folder: string) {
  const { source, faults } = readSource(text)
  if (!source) return { faults }
  const { data, findings } = fillReferences(source.data ?? {}, { env, folder, role })
  const unfilled = new Set(findings.map(({ path }) => pathText(path)))
  const result = fileSchema(role, folder).safeParse(data, { reportInput: true })
  const issues = (result.error?.issues ?? []).flatMap((issue) => faultsOf(issue, source))
  const crossed = [...findings, ...crossChecks(data, source.data, role)].map((finding) => placed(finding, source))
  // A value whose reference could not be filled is told of once, as that.
  const own = [...crossed, ...issues.filter(({ path }) => !unfilled.has(path))]
  if (!result.success || faults.length + own.length > 0) return { faults: [...faults, ...own] }
  return { faults, contents: result.data }
}

const placed = ({ path, says, hint }: Finding, source: Source): Fault => ({
  ...source.at(path),
  path: pathText(path),
  says,
  hint,
})

/** Short where the file is at hand, so that editors can jump to it. */
function shownPath(file: string | undefined): string {
  if (file === undefined) return 'environment'
  const short = relative('.', file)
  return short.startsWith('..') ? file : short
}

/** What stands in environment variables, checked. Throws `ConfigFaults`. */
export const readEnvironment = (env: Env = process.env) => read(env)

/** The 32 bytes that seal and sign; made in `dataDir` on first start where `QUORUM_KEY` is not given. */
export const loadKey = ({ env = process.env, dataDir }: { env?: Env; dataDir: string }): Buffer =>
  load({ env, dataDir })

/** Where that key is, without making one. */
export const lookAtKey = ({ env = process.env, dataDir }: { env?: Env; dataDir: string }) => look({ env, dataDir })

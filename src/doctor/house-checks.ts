import { type OncallLook, oncallChecks } from './oncall-checks.ts'
import type { Found, Say } from './speaking.ts'

/** What stands on this machine; whoever joins the house looks. */
export interface HouseLook {
  /** Where the configuration came from. */
  file: string | undefined
  clusters: number
  /** `dir` and, where it cannot be written, why. */
  data: { dir: string; why?: string | undefined }
  key: KeyLook
  /** Absent in the lab, which wakes nobody. */
  oncall?: OncallLook | undefined
}

/** `mode` as `ls` would have it, in octal: `600`. */
export type KeyLook = { kind: 'given' } | { kind: 'file'; file: string; mode: string } | { kind: 'none'; file: string }

export interface ConfigFault {
  line: number
  path: string
  says: string
  hint: string
}

/** One line for each fault; they are in English, as the start of a process says them. */
export const faultChecks = (faults: readonly ConfigFault[], say: Say): Found[] =>
  faults.map(({ line, path, says, hint }) => ({
    what: say('config'),
    verdict: 'fail',
    found: `${line > 0 ? `${line}: ` : ''}${path} ${says}`,
    next: [`# ${hint}`],
  }))

export function houseChecks(look: HouseLook, isRedisElsewhere: boolean, say: Say): Found[] {
  const { dir, why } = look.data
  const file = look.file ?? say('noFile')
  return [
    { what: say('config'), verdict: 'pass', found: say('configPass', { file, clusters: look.clusters }) },
    why === undefined
      ? { what: say('dataFolder'), verdict: 'pass', found: say('dataPass', { dir }) }
      : {
          what: say('dataFolder'),
          verdict: 'fail',
          found: say('dataFail', { dir, why }),
          next: [`sudo install -d -m 700 -o "$USER" ${dir}`],
        },
    keyCheck(look.key, isRedisElsewhere, say),
    ...(look.oncall ? oncallChecks(look.oncall, say) : []),
  ]
}

function keyCheck(key: KeyLook, isRedisElsewhere: boolean, say: Say): Found {
  const what = say('key')
  if (key.kind === 'given') return { what, verdict: 'pass', found: say('keyGiven') }
  const { file } = key
  if (key.kind === 'file' && (Number.parseInt(key.mode, 8) & 0o077) !== 0) {
    return { what, verdict: 'fail', found: say('keyOpen', { file, mode: key.mode }), next: [`chmod 600 ${file}`] }
  }
  const found = say(key.kind === 'file' ? 'keyFile' : 'keyNone', { file })
  if (!isRedisElsewhere) return { what, verdict: key.kind === 'file' ? 'pass' : 'warn', found, next: [] }
  const share = key.kind === 'file' ? `export QUORUM_KEY=$(cat ${file})` : 'export QUORUM_KEY=$(openssl rand -hex 32)'
  return { what, verdict: 'warn', found: `${found}. ${say('keyShared')}`, next: [share] }
}

const hidden = '[secret]'

const named =
  'pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|pin|credentials?|contraseña|clave'
const value = String.raw`("[^"]*"?|'[^']*'?|\S+)`

/** What gives a secret away, most telling first: its form, or the name before it. */
const looks: readonly [RegExp, string][] = [
  [/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, hidden],
  // Proxmox: USER@REALM!NAME=UUID
  [/([^\s=@]+@[\w.-]+![\w.-]+[=:])\S+/g, `$1${hidden}`],
  [/\b(PVEAPIToken|PVEAuthCookie|CSRFPreventionToken)([=:]\s*)\S+/gi, `$1$2${hidden}`],
  [/\b(Bearer|Basic)\s+[\w+/=.~-]{8,}/gi, `$1 ${hidden}`],
  [/\b(\w[\w+.-]*:\/\/[^\s/:@]*):[^\s/@]+@/g, `$1:${hidden}@`],
  [/\bhttps:\/\/(hooks\.slack\.com\/\S+|discord(?:app)?\.com\/api\/webhooks\/\S+)/gi, hidden],
  [/\b(?:xox[a-z]|xapp|gh[pousr]|github_pat|glpat|sk|pk|rk|AKIA|ASIA)[-_]?[A-Za-z0-9_-]{14,}/g, hidden],
  [/\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g, hidden],
  [/\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}/g, hidden],
  [/\$(?:[156]|2[abxy]|y|7|argon2\w*)\$\S+/g, hidden],
  [/\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi, hidden],
]
const byName = [
  new RegExp(`((?:^|[^\\p{L}\\d])(?:[\\w-]*[-_])?(?:${named})["']?\\s*[:=]\\s*)${value}`, 'giu'),
  new RegExp(`((?:--|—|–)(?:[\\w-]*[-_])?(?:${named})\\s+)${value}`, 'giu'),
]
/** Long and mixed: no name that a person gives. Checksums and fingerprints are public, and named. */
const long = /((?:checksum|sha\d*|digest|fingerprint|ssh-\w+)\S*?[:=\s])?([A-Za-z0-9+/_-]{32,}={0,2})/gi

const isMixed = (text: string): boolean =>
  /^[\da-f]+$/i.test(text) || (/[a-z]/.test(text) && /[A-Z]/.test(text) && /\d/.test(text))

/** `text` with `[secret]` in the place of whatever looks like the value of one. Rather one too many than one too few. */
export function redact(text: string): string {
  let clean = text
  for (const [look, instead] of looks) clean = clean.replace(look, instead)
  for (const look of byName) clean = clean.replace(look, (_, name: string) => `${name}${hidden}`)
  return clean.replace(long, (whole, name: string | undefined, word: string) =>
    name === undefined && isMixed(word) ? hidden : whole,
  )
}

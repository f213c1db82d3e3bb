/** One thing that is wrong, where it stands, and what to do about it. Neither text ever holds a secret's value. */
export interface Fault {
  /** From 1; 0 where the fault is not in a file (an environment variable, a file that cannot be read). */
  line: number
  column: number
  /** `clusters[0].poll`, `probes["vm:100"].tcp`, or the name of an environment variable. */
  path: string
  says: string
  hint: string
}

/** Where in the configuration: keys and list indexes. */
export type Path = readonly (string | number)[]

/** A fault whose line is not looked up yet. */
export interface Finding {
  path: Path
  says: string
  hint: string
}

/** Everything wrong with the configuration, at once. The message is the list for people, one fault a paragraph. */
export class ConfigFaults extends Error {
  override readonly name = 'ConfigFaults'
  readonly faults: readonly Fault[]

  /** `file`: as it is to be shown before each line number. */
  constructor(faults: readonly Fault[], file = 'quorum.yaml') {
    const ordered = [...faults].sort((a, b) => a.line - b.line || a.column - b.column)
    const count = ordered.length === 1 ? 'a fault' : `${ordered.length} faults`
    super([`The configuration has ${count}:`, ...ordered.map((fault) => told(fault, file))].join('\n\n'))
    this.faults = ordered
  }
}

function told({ line, column, path, says, hint }: Fault, file: string): string {
  const where = line > 0 ? `${file}:${line}:${column}` : ''
  return `${[where, path, says].filter(Boolean).join(' ')}\n    ${hint}`
}

/** A fault outside any file: `name` is an environment variable or a path. */
export const outside = (name: string, says: string, hint: string): Fault => ({
  line: 0,
  column: 0,
  path: name,
  says,
  hint,
})

/** `['probes', 'vm:100', 'tcp']` → `probes["vm:100"].tcp`. */
export const pathText = (path: Path): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    if (!/^[\w-]+$/.test(part)) return `${text}[${JSON.stringify(part)}]`
    return text === '' ? part : `${text}.${part}`
  }, '')

/** The person can put it right: told as its message alone, without a stack. */
export class Fault extends Error {}

/** Why this Node cannot run Quorum, as one sentence; undefined when it can. The odd lines are what our packages exclude. */
export function nodeFault(version) {
  const [major, minor] = version.split('.').map(Number)
  if (major >= 24 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return undefined
  return `Quorum needs Node 20.19 or newer (22.12 or newer of line 22; not 21 or 23), and this is ${version}: install the current LTS from https://nodejs.org and run it again.`
}

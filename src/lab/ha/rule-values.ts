/** Lists and flags as rules.cfg and groups.cfg write them. */

export const listOf = (value: unknown) =>
  String(value ?? '')
    .split(/[,; ]+/)
    .filter((part) => part !== '')

export const isOn = (value: unknown) => value !== undefined && value !== null && Number(value) !== 0

/** `pve1:3,pve2`: node → priority, 0 unless given. */
export function parseNodes(value: unknown): Map<string, number> {
  return new Map(
    listOf(value).map((entry) => {
      const [node = '', priority] = entry.split(':')
      return [node, Number(priority ?? 0)] as const
    }),
  )
}

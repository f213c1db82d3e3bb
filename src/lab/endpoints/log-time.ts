/** `2026-11-22 21:12:10` where the node is, as tools write it into task logs. */
import type { SimNode } from '../model.ts'

export const logTime = (node: Pick<SimNode, 'timezone'>, seconds: number) =>
  new Date(seconds * 1000).toLocaleString('sv-SE', { timeZone: node.timezone === 'Etc/UTC' ? 'UTC' : node.timezone })

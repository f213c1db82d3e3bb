import type { RankedNode } from './affinity.ts'
import { type HaChange, ruleSettings } from './changes.ts'

interface Rule {
  rule: string
  type: 'node-affinity' | 'resource-affinity'
  resources: readonly string[]
  nodes: readonly RankedNode[]
  strict: boolean
  affinity?: 'positive' | 'negative'
}

/** Takes a guest out of rules; one that is left with too few goes away, since Proxmox keeps none of that kind. */
export function leaving(rules: readonly Rule[], sid: string, which: (rule: Rule) => boolean): HaChange[] {
  return rules
    .filter((rule) => rule.resources.includes(sid) && which(rule))
    .map((rule): HaChange => {
      const was = ruleSettings(rule)
      const sids = was.sids.filter((one) => one !== sid)
      const least = was.kind === 'prefer' ? 1 : 2
      return { what: 'rule', id: rule.rule, was, to: sids.length < least ? null : { ...was, sids } }
    })
}

/**
 * Makes a guest prefer the nodes of `name`, or of no rule at all; it leaves the preference it had. Undefined: nothing of
 * that name is there, neither on the cluster nor kept for later.
 */
export function joining(
  rules: readonly Rule[],
  drafts: readonly { name: string; nodes: RankedNode[]; strict: boolean }[],
  sid: string,
  name: string | undefined,
): HaChange[] | undefined {
  const left = leaving(rules, sid, ({ type, rule }) => type === 'node-affinity' && rule !== name)
  if (name === undefined) return left
  const found = rules.find(({ rule, type }) => rule === name && type === 'node-affinity')
  if (found) {
    const was = ruleSettings(found)
    return [...left, { what: 'rule', id: name, was, to: { ...was, sids: [...new Set([...was.sids, sid])].sort() } }]
  }
  const draft = drafts.find((one) => one.name === name)
  if (!draft) return undefined
  const { nodes, strict } = draft
  return [...left, { what: 'rule', id: name, was: null, to: { kind: 'prefer', sids: [sid], nodes, strict } }]
}

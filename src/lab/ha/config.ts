/** /etc/pve/ha as the API reads and changes it: names, digests, what goes with a resource. */
import type { ClusterConfig, HaConfig } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { listOf } from './rule-values.ts'

const digestOf = (sections: Iterable<unknown>) => {
  const all = [...sections]
  return sha1Hex(all.length === 0 ? '' : JSON.stringify(all))
}

/** Of resources.cfg, rules.cfg and groups.cfg. */
export const resourcesDigest = ({ ha }: ClusterConfig) => digestOf(ha.resources.values())
export const rulesDigest = ({ ha }: ClusterConfig) => digestOf(ha.rules.values())
export const groupsDigest = ({ ha }: ClusterConfig) => digestOf(ha.groups)

/** A guest that HA looks after; the state `ignored` is as good as none. */
export const isManaged = ({ ha }: ClusterConfig, sid: string) => {
  const resource = ha.resources.get(sid)
  return resource !== undefined && resource.keys.state !== 'ignored'
}

/** Takes a resource out of the rules; one that names nothing any more goes with it. */
export function dropFromRules(ha: HaConfig, sid: string) {
  for (const [rule, { keys }] of ha.rules) {
    const left = listOf(keys.resources).filter((other) => other !== sid)
    if (left.length === 0) ha.rules.delete(rule)
    else keys.resources = left.join(',')
  }
}

import type { Blueprint } from '../core/blueprint.ts'
import { clusterSteps } from './cluster.ts'
import { downloadSteps } from './downloads.ts'
import { guestSteps } from './guests.ts'
import { haSteps } from './ha.ts'
import type { Site } from './site.ts'
import { never, type Section, type Step, sections } from './step.ts'
import { storageSteps } from './storages.ts'

/**
 * What a site lacks to be as the blueprint says, in the order in which it can be done. The same blueprint and site give
 * the same steps; where all is done, each says so. `can`: the workers there are; what none of them does is left to a
 * command of its own. `hosts`: machines that the configuration names. `until`: the last section that is looked at.
 */
export function stepsOf(
  blueprint: Blueprint,
  site: Site,
  { can, hosts, until = 'ha' }: { can: ReadonlySet<string>; hosts: readonly string[]; until?: Section | undefined },
): Step[] {
  const all: Step[] = [
    ...clusterSteps(blueprint, site, hosts),
    ...storageSteps(blueprint, site),
    ...downloadSteps(blueprint, site),
    ...guestSteps(blueprint, site),
    ...haSteps(blueprint, site),
  ]
  const looked = all.filter(({ section }) => sections.indexOf(section) <= sections.indexOf(until))
  return looked.map((step) => {
    if (step.state !== 'todo' || can.has(step.job.worker)) return step
    const { section, id, what, job } = step
    return never(section, id, what, { code: 'by-hand', values: { command: job.command } })
  })
}

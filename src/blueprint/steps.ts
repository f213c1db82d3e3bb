import type { Blueprint } from '../core/blueprint.ts'
import { clusterSteps } from './cluster.ts'
import { guestSteps } from './guests.ts'
import { haSteps } from './ha.ts'
import type { Site } from './site.ts'
import { type Section, type Step, sections } from './step.ts'
import { storageSteps } from './storages.ts'

/**
 * What a site lacks to be as the blueprint says, in the order in which it can be done. The same blueprint and site give
 * the same steps; where all is done, each says so. `until`: the last section that is looked at.
 */
export function stepsOf(blueprint: Blueprint, site: Site, until: Section = 'ha'): Step[] {
  const all: Step[] = [
    ...clusterSteps(blueprint, site),
    ...storageSteps(blueprint, site),
    ...guestSteps(blueprint, site),
    ...haSteps(blueprint, site),
  ]
  return all.filter(({ section }) => sections.indexOf(section) <= sections.indexOf(until))
}

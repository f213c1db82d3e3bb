import type { Blueprint } from '../core/blueprint.ts'
import { inRange } from '../core/joining.ts'
import { fill, type Values } from '../core/language.ts'
import type { Words } from '../core/ports.ts'
import { featuresOf } from '../ha/storage-features.ts'
import type { Site } from './site.ts'

export type CautionCode = 'one-link' | 'link-with-storage' | 'not-shared'

/** A blueprint's yellow lines: what can be done as it says, and fails those who count on it. */
export interface Caution {
  code: CautionCode
  values: Values
}

export const cautionsOf = (blueprint: Blueprint, site: Site): Caution[] => [
  ...linkCautions(blueprint),
  ...diskCautions(blueprint, site),
]

/** The cautions in words, as a card's fields show warnings. */
export const cautionTexts = (blueprint: Blueprint, site: Site, { blueprint: say }: Words): string[] =>
  cautionsOf(blueprint, site).map(({ code, values }) => fill(say.cautions[code], values))

function linkCautions({ cluster, storage }: Blueprint): Caution[] {
  if (!cluster) return []
  const single: Caution[] = cluster.link1 === undefined ? [{ code: 'one-link', values: {} }] : []
  const shared = (['link0', 'link1'] as const).flatMap((link): Caution[] => {
    const network = cluster[link]
    const on = storage.filter(({ server, portal }) => network && inRange(hostOf(server ?? portal ?? ''), network))
    const names = on.map(({ id }) => id).join(', ')
    return on.length === 0 ? [] : [{ code: 'link-with-storage', values: { link, network, storages: names } }]
  })
  return [...single, ...shared]
}

const hostOf = (address: string): string => address.replace(/:\d+$/, '')

/** A machine under HA starts elsewhere only if its disk is reached there. */
function diskCautions({ guests, ha, storage: planned }: Blueprint, { storages, version }: Site): Caution[] {
  const isShared = (name: string): boolean => {
    const is = storages.find(({ storage }) => storage === name)
    if (is) return is.shared
    const comes = planned.find(({ id }) => id === name)
    const nature = comes && featuresOf(comes.type, version.major)?.shared
    return nature !== 'never' && (nature !== 'possible' || (comes?.shared ?? comes?.base !== undefined))
  }
  return guests.flatMap(({ id, name, disk }): Caution[] => {
    const isUnderHa = ha.guests.some(({ guest }) => guest === id)
    if (!isUnderHa || isShared(disk.storage)) return []
    return [{ code: 'not-shared', values: { name, id, storage: disk.storage } }]
  })
}

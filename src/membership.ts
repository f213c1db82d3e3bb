import type { Membership } from './core/roles.ts'

/** Names that the lab's page offers; anybody else there is a student. */
const staff = ['admin', 'operator', 'viewer']

/** In the lab everybody may try everything that an operator may. */
export const labRoles = [
  { role: 'admin' as const, who: ['web:admin'] },
  { role: 'operator' as const, who: ['web:operator', 'web:student'] },
  { role: 'viewer' as const, who: ['web:viewer'] },
]

/** Groups that need no platform to be asked. */
export function localMembership(lab: boolean): Membership {
  return {
    async groupsOf(identity) {
      if (!identity.startsWith('web:')) return []
      const student = lab && !staff.includes(identity.slice('web:'.length))
      return student ? ['web:*', 'web:student'] : ['web:*']
    },
  }
}

/** Several sources as one: each platform knows its own groups, once it is connected. */
export function gathered(first: Membership): Membership & { add(source: Membership): void } {
  const sources = [first]
  return {
    add: (source) => void sources.push(source),
    async groupsOf(identity) {
      const groups = await Promise.all(sources.map((source) => source.groupsOf(identity)))
      return groups.flat()
    },
  }
}

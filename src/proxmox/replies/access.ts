import { z } from 'zod'
import type { AccessRole, AclEntry } from '../port.ts'
import { Flag, ListText } from './parse.ts'

export const PermissionsReply: z.ZodType<Record<string, Record<string, boolean>>> = z.record(
  z.string(),
  z.record(z.string(), Flag),
)

export const AclReply: z.ZodType<AclEntry[]> = z.array(
  z
    .object({
      path: z.string(),
      type: z.enum(['user', 'group', 'token']),
      ugid: z.string(),
      roleid: z.string(),
      propagate: Flag,
    })
    .transform(({ path, type, ugid, roleid, propagate }) => ({ path, type, who: ugid, role: roleid, propagate })),
)

export const RolesReply: z.ZodType<AccessRole[]> = z.array(
  z
    .object({ roleid: z.string(), special: Flag, privs: ListText })
    .transform(({ roleid, special, privs }) => ({ name: roleid, builtIn: special, privileges: privs })),
)

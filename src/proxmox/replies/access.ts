import { z } from 'zod'
import type { AccessGroup, AccessRealm } from '../access-port.ts'
import type { AccessRole, AclEntry } from '../port.ts'
import { Flag, ListText, present, Text } from './parse.ts'

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

export const GroupsReply: z.ZodType<AccessGroup[]> = z.array(
  z
    .object({ groupid: z.string(), users: ListText.default([]) })
    .transform(({ groupid, users }) => ({ group: groupid, members: users })),
)

export const RealmsReply: z.ZodType<AccessRealm[]> = z.array(
  z
    .object({ realm: z.string(), type: z.string(), comment: z.string().optional(), default: Flag })
    .transform(({ realm, type, comment, default: isDefault }) => present({ realm, type, isDefault, comment })),
)

export const RealmOptionsReply: z.ZodType<Record<string, string>> = z
  .record(z.string(), Text)
  .transform(({ digest: _, ...options }) => options)

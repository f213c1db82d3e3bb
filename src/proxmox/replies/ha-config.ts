import { z } from 'zod'
import type { ClusterOptions, HaGroup, HaMove, HaResource, HaRule, RankedNode } from '../port.ts'
import { Flag, ListText, Num, present, Text } from './parse.ts'

/** Absent means true. */
const FlagOn = z
  .union([z.literal([0, 1, '0', '1', '']), z.boolean()])
  .nullish()
  .transform((value) => value === undefined || value === null || value === true || Number(value) === 1)

/** `pve1:3,pve2`, in an order that changes from call to call; sorted here, the most wanted first. */
const RankedNodes = ListText.transform((parts): RankedNode[] =>
  parts
    .map((part) => {
      const [node = '', priority = '0'] = part.split(':')
      return { node, priority: Number(priority) || 0 }
    })
    .sort((a, b) => b.priority - a.priority || a.node.localeCompare(b.node, 'en', { numeric: true })),
)

const Sids = ListText.transform((sids) => [...new Set(sids)].sort())

export const HaResourcesReply: z.ZodType<HaResource[]> = z.array(
  z
    .object({
      sid: z.string(),
      state: z.enum(['started', 'stopped', 'enabled', 'disabled', 'ignored']).default('started'),
      max_restart: Num.default(1),
      max_relocate: Num.default(1),
      failback: FlagOn,
      group: z.string().optional(),
      comment: Text.optional(),
      digest: z.string().optional(),
    })
    .transform(({ max_restart, max_relocate, ...row }) =>
      present({ ...row, maxRestart: max_restart, maxRelocate: max_relocate }),
    ),
)

/** Why a rule is ignored: texts by parameter; Proxmox nests some of them once more. */
const Errors = z
  .record(z.string(), z.union([Text.transform((one) => [one]), z.array(Text)]))
  .nullish()
  .transform((errors) => errors ?? {})

export const HaRulesReply: z.ZodType<HaRule[]> = z.array(
  z
    .object({
      rule: z.string(),
      type: z.enum(['node-affinity', 'resource-affinity']),
      resources: Sids,
      nodes: RankedNodes,
      strict: Flag,
      affinity: z.enum(['positive', 'negative']).optional(),
      disable: Flag,
      comment: Text.optional(),
      errors: Errors,
      digest: z.string().optional(),
    })
    .transform(({ disable, ...row }) => present({ ...row, disabled: disable })),
)

export const HaGroupsReply: z.ZodType<HaGroup[]> = z.array(
  z
    .object({
      group: z.string(),
      nodes: RankedNodes,
      restricted: Flag,
      nofailback: Flag,
      comment: Text.optional(),
      digest: z.string().optional(),
    })
    .transform(present),
)

const Policy = z.enum(['conditional', 'freeze', 'failover', 'migrate'])

/** `ha` is an object in most versions, and the text of the file in others. */
export const ClusterOptionsReply: z.ZodType<ClusterOptions> = z
  .object({
    ha: z
      .union([
        z.object({ shutdown_policy: Policy.optional() }).transform((ha) => ha.shutdown_policy),
        z.string().transform((text, context) => {
          const policy = /(?:^|,)shutdown_policy=(\w+)/.exec(text)?.[1]
          if (policy === undefined) return undefined
          const parsed = Policy.safeParse(policy)
          if (parsed.success) return parsed.data
          context.addIssue({ code: 'custom', message: 'a shutdown policy that is not known' })
          return z.NEVER
        }),
      ])
      .optional(),
  })
  .transform(({ ha }) => present({ shutdownPolicy: ha }))

/** Before 9.0 the answer is null. */
export const HaMoveReply: z.ZodType<HaMove> = z
  .object({
    'comigrated-resources': z.array(z.string()).nullish(),
    'blocking-resources': z.array(z.object({ sid: z.string(), cause: Text.default('') })).nullish(),
  })
  .nullable()
  .transform((reply) => ({
    comigrated: reply?.['comigrated-resources'] ?? [],
    blocking: reply?.['blocking-resources'] ?? [],
  }))

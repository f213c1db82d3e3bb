import { z } from 'zod'
import type { HaEntry, ManagerStatus } from '../port.ts'
import { Flag, Num, present, rowsOf, Text } from './parse.ts'

const HA_TYPES = ['quorum', 'master', 'fencing', 'lrm', 'service'] as const

export const HaStatusReply: z.ZodType<HaEntry[]> = rowsOf(
  HA_TYPES,
  z
    .object({
      id: z.string(),
      type: z.enum(HA_TYPES),
      node: z.string().default(''),
      status: Text.default(''),
      quorate: Flag.optional(),
      timestamp: Num.optional(),
      sid: z.string().optional(),
      state: z.string().optional(),
      crm_state: z.string().optional(),
      request_state: z.string().optional(),
      'armed-state': z.string().optional(),
      resource_mode: z.string().optional(),
      max_restart: Num.optional(),
      max_relocate: Num.optional(),
      failback: Flag.optional(),
      group: z.string().optional(),
    })
    .transform((row) =>
      present({
        id: row.id,
        type: row.type,
        node: row.node,
        status: row.status,
        quorate: row.type === 'quorum' ? (row.quorate ?? false) : undefined,
        timestamp: row.timestamp,
        sid: row.sid,
        state: row.state,
        crmState: row.crm_state,
        requestState: row.request_state,
        armedState: row['armed-state'],
        resourceMode: row.resource_mode,
        maxRestart: row.max_restart,
        maxRelocate: row.max_relocate,
        failback: row.failback,
        group: row.group,
      }),
    ),
)

const ManagedService = z
  .object({
    node: z.string().optional(),
    state: z.string(),
    target: z.string().optional(),
    running: Flag,
    maintenance_node: z.string().optional(),
    failed_nodes: z.array(z.string()).optional(),
  })
  .transform((row) =>
    present({
      node: row.node,
      state: row.state,
      target: row.target,
      running: row.running,
      maintenanceNode: row.maintenance_node,
      failedNodes: row.failed_nodes,
    }),
  )

const Lrm = z
  .object({ mode: z.string().optional(), state: z.string().optional(), timestamp: Num.optional() })
  .transform(present)

export const ManagerStatusReply: z.ZodType<ManagerStatus> = z
  .object({
    quorum: z.object({ node: z.string(), quorate: Flag }),
    manager_status: z.object({
      master_node: z.string().optional(),
      timestamp: Num.optional(),
      node_status: z.record(z.string(), z.string()).default({}),
      service_status: z.record(z.string(), ManagedService).default({}),
      disarm: z.object({ mode: Text.default(''), state: Text.default('') }).optional(),
    }),
    lrm_status: z.record(z.string(), Lrm).default({}),
  })
  .transform((reply) =>
    present({
      quorate: reply.quorum.quorate,
      answeredBy: reply.quorum.node,
      master: reply.manager_status.master_node,
      timestamp: reply.manager_status.timestamp,
      nodes: reply.manager_status.node_status,
      services: reply.manager_status.service_status,
      lrms: reply.lrm_status,
      disarm: reply.manager_status.disarm,
    }),
  )

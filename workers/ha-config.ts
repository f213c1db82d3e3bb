import { z } from 'zod'
import { Refused } from '../src/core/errors.ts'
import { reads } from '../src/core/needs.ts'
import type { ProxmoxWriterPort } from '../src/core/ports.ts'
import { defineWorker } from '../src/core/worker.ts'
import { nodesText } from '../src/ha/affinity.ts'
import {
  type GroupSettings,
  groupSettings,
  type HaChange,
  type ResourceSettings,
  type RuleSettings,
  ruleSettings,
  same,
  settingsOf,
} from '../src/ha/changes.ts'

/** The manager works in rounds of ten seconds, then a node's own part does; a guest may take its minute to stop. */
const takenWithinMs = 180_000
const wanted = ['started', 'stopped', 'enabled', 'disabled', 'ignored'] as const

const ranked = z.array(z.object({ node: z.string(), priority: z.int() }))
const changeOf = <W extends string, S extends z.ZodType>(what: W, settings: S) =>
  z.object({ what: z.literal(what), id: z.string(), was: settings.nullable(), to: settings.nullable() })

const resource = z.object({
  state: z.enum(wanted),
  maxRestart: z.int(),
  maxRelocate: z.int(),
  failback: z.boolean().optional(),
  group: z.string().optional(),
  comment: z.string().optional(),
})
const rule = z.object({
  kind: z.enum(['prefer', 'together', 'apart']),
  sids: z.array(z.string()),
  nodes: ranked,
  strict: z.boolean(),
})
const group = z.object({ nodes: ranked, strict: z.boolean(), nofailback: z.boolean() })

/**
 * Changes HA's configuration, section by section, in the order given: each is looked at first, taken as done where it is
 * so already, and refused when somebody else changed it since the decision. Then waits until the manager has taken it.
 */
export default defineWorker({
  payload: z.object({
    changes: z.array(
      z.discriminatedUnion('what', [changeOf('resource', resource), changeOf('rule', rule), changeOf('group', group)]),
    ),
    /** The guest whose state tells that HA has taken it. */
    awaits: z.object({ sid: z.string(), name: z.string(), state: z.enum([...wanted, 'gone']) }).optional(),
  }),
  needs: [reads.cluster, { path: '/', privileges: ['Sys.Console'] }],
  locks: () => ['ha'],
  text: {
    en: {
      title: 'HA: {what}',
      steps: { change: 'Change the configuration', taken: 'See what HA makes of it' },
      done: 'HA: {what}: {now}',
      words: {
        written: 'written',
        started: 'runs',
        enabled: 'runs',
        stopped: 'off',
        disabled: 'off and left alone',
        ignored: 'ignored, as wanted',
        gone: 'no longer under HA',
        node: 'Node',
        notYet: 'HA has it and has not carried it out yet; it says {state}. See: why {guest}',
        left: '{what} {id}: as wanted',
      },
      refusals: {
        'in-error': {
          says: 'HA took {name} and could not do what was wanted: it is in the error state.',
          hint: 'why {guest}',
        },
      },
    },
    es: {
      title: 'HA: {what}',
      steps: { change: 'Cambiar la configuración', taken: 'Ver qué hace HA con eso' },
      done: 'HA: {what}: {now}',
      words: {
        written: 'escrito',
        started: 'encendida',
        enabled: 'encendida',
        stopped: 'apagada',
        disabled: 'apagada y sin tocar',
        ignored: 'ignorada, como se pidió',
        gone: 'ya no está bajo HA',
        node: 'Nodo',
        notYet: 'HA lo tiene y todavía no lo cumplió; dice {state}. Mira: why {guest}',
        left: '{what} {id}: como se pidió',
      },
      refusals: {
        'in-error': {
          says: 'HA tomó {name} y no pudo hacer lo pedido: está en estado de error.',
          hint: 'why {guest}',
        },
      },
    },
  },
  titled: ({ changes }) => ({ what: whatOf(changes as HaChange[]) }),
  async run({ payload, proxmox, change, step, until, say }) {
    const changes = payload.changes as HaChange[]
    for (const [i, one] of changes.entries()) {
      const verb = one.to ? (one.was ? 'PUT' : 'POST') : 'DELETE'
      const look = {
        call: `${verb} /cluster/ha/${one.what}s`,
        id: one.id,
        isSo: async () => same((await now(proxmox, one)).settings, one.to),
        act: () => write(proxmox, one),
      }
      await change('change', look, i + 1)
    }
    const what = whatOf(changes)
    const { awaits } = payload
    if (!awaits) return { values: { what, now: say('written') } }
    return step('taken', async () => {
      const { sid, name, state } = awaits
      const guest = sid.slice(sid.indexOf(':') + 1)
      const wasInError = (await serviceOf(proxmox, sid))?.state === 'error'
      const seen = await until(
        async () => {
          const service = await serviceOf(proxmox, sid).catch(() => null)
          if (service === null) return undefined
          if (service?.state === 'error' && !wasInError) return service
          return isAs(service?.state, state) ? (service ?? { node: '' }) : undefined
        },
        { everyMs: 1000, withinMs: takenWithinMs },
      )
      if (seen && 'state' in seen && seen.state === 'error') throw new Refused('in-error', { name, guest })
      if (!seen) {
        const service = await serviceOf(proxmox, sid).catch(() => undefined)
        const warnings = [say('notYet', { state: service?.state ?? '?', guest })]
        return { values: { what, now: say('written') }, warnings }
      }
      const fields = seen.node ? [{ name: say('node'), value: seen.node }] : []
      return { values: { what, now: say(state) }, fields }
    })
  },
  async leftovers({ payload, proxmox, say }) {
    const lines = (payload.changes as HaChange[]).map(async (one) =>
      same((await now(proxmox, one)).settings, one.to) ? [say('left', { what: one.what, id: one.id })] : [],
    )
    return (await Promise.all(lines)).flat()
  },
})

const whatOf = (changes: readonly HaChange[]) => [...new Set(changes.map(({ id }) => id))].join(', ')

const isAs = (state: string | undefined, wanted: string) =>
  wanted === 'gone' ? state === undefined : state === (wanted === 'enabled' ? 'started' : wanted)

async function serviceOf(proxmox: ProxmoxWriterPort, sid: string) {
  const entries = await proxmox.haStatus()
  return entries.find((entry) => entry.type === 'service' && entry.sid === sid)
}

/** A section as the cluster has it, and the digest that a change of it must carry. */
async function now(
  proxmox: ProxmoxWriterPort,
  { what, id }: HaChange,
): Promise<{ settings: ResourceSettings | RuleSettings | GroupSettings | null; digest?: string | undefined }> {
  if (what === 'resource') {
    const { haRules } = await proxmox.capabilities()
    const found = (await proxmox.haResources()).find(({ sid }) => sid === id)
    return { settings: found ? settingsOf(found, haRules) : null, digest: found?.digest }
  }
  if (what === 'rule') {
    const found = (await proxmox.haRules()).find((one) => one.rule === id)
    return { settings: found ? ruleSettings(found) : null, digest: found?.digest }
  }
  const found = (await proxmox.haGroups()).find((one) => one.group === id)
  return { settings: found ? groupSettings(found) : null, digest: found?.digest }
}

/** @throws Refused `ha-changed-meanwhile` when it is neither as it was nor as it should be */
async function write(proxmox: ProxmoxWriterPort, change: HaChange): Promise<void> {
  const { settings, digest } = await now(proxmox, change)
  if (!same(settings, change.was)) throw new Refused('ha-changed-meanwhile', { what: change.id })
  if (change.what === 'resource') return writeResource(proxmox, change, digest)
  if (change.what === 'rule') return writeRule(proxmox, change, digest)
  const { id, was, to } = change
  if (!to) return proxmox.deleteHaGroup(id)
  const params = { nodes: nodesText(to.nodes), restricted: to.strict, nofailback: to.nofailback }
  return was ? proxmox.updateHaGroup(id, { ...params, digest }) : proxmox.createHaGroup({ group: id, ...params })
}

function writeResource(
  proxmox: ProxmoxWriterPort,
  { id, was, to }: HaChange & { what: 'resource' },
  digest: string | undefined,
): Promise<void> {
  if (!to) return proxmox.deleteHaResource(id)
  const { state, maxRestart, maxRelocate, failback, group, comment } = to
  const params = { state, max_restart: maxRestart, max_relocate: maxRelocate, failback, group, comment }
  if (!was) return proxmox.createHaResource({ sid: id, ...params })
  const gone = (['group', 'comment'] as const).filter((key) => was[key] !== undefined && to[key] === undefined)
  return proxmox.updateHaResource(id, { ...params, delete: gone.length > 0 ? gone.join(',') : undefined, digest })
}

function writeRule(
  proxmox: ProxmoxWriterPort,
  { id, was, to }: HaChange & { what: 'rule' },
  digest: string | undefined,
): Promise<void> {
  if (!to) return proxmox.deleteHaRule(id)
  const own =
    to.kind === 'prefer'
      ? { type: 'node-affinity', nodes: nodesText(to.nodes), strict: to.strict }
      : { type: 'resource-affinity', affinity: to.kind === 'apart' ? 'negative' : 'positive' }
  const params = { ...own, resources: to.sids.join(',') }
  return was ? proxmox.updateHaRule(id, { ...params, digest }) : proxmox.createHaRule({ rule: id, ...params })
}

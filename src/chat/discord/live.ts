import type { z } from 'zod'
import { describeArg } from '../../core/args.ts'
import type { Catalogue, Entry } from '../../core/catalogue.ts'
import { type Choice, choices } from '../../core/complete.ts'
import { form } from '../../core/form.ts'
import type { Jobs } from '../../core/house.ts'
import type { Language } from '../../core/language.ts'
import type { FormField, Target } from '../../core/message.ts'
import { reachOf, seen } from '../../core/pools.ts'
import type { ProxmoxPort } from '../../core/ports.ts'
import { type Access, holds, type Identity } from '../../core/roles.ts'

export interface LivePorts {
  catalogue: Catalogue
  access: Pick<Access, 'roleOf' | 'poolsOf'>
  clusters: readonly string[]
  clusterOf(target: Target): string | undefined
  /** Undefined: commands are taken everywhere. */
  taken(): readonly Target[] | undefined
  /** Its lists may be a little old. */
  proxmox(cluster: string): ProxmoxPort | undefined
  languageOf(identity: Identity, locales: readonly string[]): Promise<Language>
  jobs: Pick<Jobs, 'list'>
}

interface Allowed {
  entry: Entry
  cluster: string | undefined
  /** The asker's role is limited to these. */
  pools?: string[] | undefined
}

interface Asked {
  identity: Identity
  target: Target
  path: string
  /** What is filled in so far. */
  values: Readonly<Record<string, string>>
  locales: readonly string[]
}

export interface Live {
  /** What `argument` could be, as far as it is typed; nothing for who may not run the command there. */
  complete(ask: Asked & { argument: string; typed: string; most: number }): Promise<Choice[]>
  /** The fields for what is not given yet; undefined where the command would be refused, which says why itself. */
  form(ask: Asked): Promise<FormField[] | undefined>
}

/** What Discord's completion and forms need of the live cluster. */
export function live(ports: LivePorts): Live {
  async function allowed({ identity, target, path, values }: Asked): Promise<Allowed | undefined> {
    const entry = ports.catalogue.get(path)
    const taken = ports.taken()
    if (!entry || (taken && !taken.includes(target))) return undefined
    const only = ports.clusters.length === 1 ? ports.clusters[0] : undefined
    const cluster = values.cluster ?? ports.clusterOf(target) ?? only
    if (cluster !== undefined && !ports.clusters.includes(cluster)) return undefined
    const { role, pools } = await reachOf(ports.access, entry.command, identity, { cluster, channel: target })
    return holds(role, entry.command.role) ? { entry, cluster, pools } : undefined
  }

  function proxmoxOf({ entry, cluster, pools }: Allowed): ProxmoxPort | undefined {
    if (cluster === undefined || entry.command.cluster === false) return undefined
    const proxmox = ports.proxmox(cluster)
    return proxmox && seen(proxmox, pools)
  }

  async function known(allowed: Allowed, argument: string): Promise<Choice[]> {
    const { entry, cluster, pools } = allowed
    const schema = entry.command.args.shape[argument] as z.ZodType | undefined
    if (!schema) return []
    const facts = describeArg(schema)
    if (facts.kind === 'command') return ports.catalogue.entries.map(({ path }) => ({ value: path, label: path }))
    if (facts.kind !== 'job') return choices(facts, proxmoxOf(allowed))
    if (pools !== undefined) return []
    const jobs = await ports.jobs.list({ ...(cluster === undefined ? {} : { cluster }), most: 50 })
    return jobs.map(({ id, title }) => ({ value: id, label: `${id} ${title}` }))
  }

  return {
    async complete(ask) {
      const found = await allowed(ask)
      if (!found) return []
      const start = ask.typed.trim().toLowerCase()
      const all = await known(found, ask.argument)
      return all.filter(({ value, label }) => `${value} ${label}`.toLowerCase().includes(start)).slice(0, ask.most)
    },
    async form(ask) {
      const found = await allowed(ask)
      if (!found || (found.cluster === undefined && found.entry.command.cluster !== false)) return undefined
      const language = await ports.languageOf(ask.identity, ask.locales)
      const fields = await form(found.entry.command, {}, language, proxmoxOf(found))
      return fields.filter(({ name }) => !(name in ask.values))
    },
  }
}

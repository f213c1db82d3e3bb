import type { z } from 'zod'
import { type ArgFacts, describeArg } from './args.ts'
import type { Catalogue, Entry } from './catalogue.ts'
import type { Language } from './language.ts'
import type { ProxmoxPort } from './ports.ts'

export interface Choice {
  value: string
  label: string
}

const listed: ReadonlySet<string> = new Set(['guest', 'node', 'storage', 'pool'])

/** What the cluster offers for an argument of this kind; empty where it offers nothing. */
export async function choices(facts: ArgFacts, proxmox: ProxmoxPort | undefined): Promise<Choice[]> {
  if (facts.kind === 'boolean' || facts.kind === 'choice')
    return (facts.options ?? []).map((value) => ({ value, label: value }))
  if (!proxmox) return []
  if (facts.kind === 'iso') return isoChoices(proxmox)
  if (!listed.has(facts.kind)) return []
  const { guests, nodes, storages } = await proxmox.resources()
  if (facts.kind === 'node')
    return nodes.filter(({ status }) => status === 'online').map(({ name }) => ({ value: name, label: name }))
  if (facts.kind === 'pool') {
    const pools = new Set(guests.flatMap(({ pool }) => pool ?? []))
    return [...pools].sort().map((value) => ({ value, label: value }))
  }
  if (facts.kind === 'storage') {
    return [...new Set(storages.map(({ storage }) => storage))].sort().map((value) => ({ value, label: value }))
  }
  return guests
    .sort((a, b) => a.vmid - b.vmid)
    .map(({ vmid, name, node, status }) => ({
      value: name || String(vmid),
      label: `${name || vmid} (${vmid}, ${node}, ${status})`,
    }))
}

/** ISO images of every storage that holds some, each once. */
async function isoChoices(proxmox: ProxmoxPort): Promise<Choice[]> {
  const { storages } = await proxmox.resources()
  const holding = storages.filter(({ content, status }) => content.includes('iso') && status === 'available')
  const once = holding.filter((s, i) => !s.shared || holding.findIndex((other) => other.storage === s.storage) === i)
  const lists = await Promise.all(
    once.map(({ node, storage }) => proxmox.storageContents(node, storage, 'iso').catch(() => [])),
  )
  const names = lists.flat().map(({ volid }) => volid.slice(volid.lastIndexOf('/') + 1))
  return [...new Set(names)].sort().map((value) => ({ value, label: value }))
}

export interface Completion {
  /** The whole line with this choice put in. */
  value: string
  label: string
  note?: string
}

/**
 * What could come next in a line that is being typed: groups and commands, then argument names, then values from the
 * live cluster. `may` tells which commands the asker can run; the others are not offered.
 */
export async function complete(
  line: string,
  catalogue: Catalogue,
  ask: { language: Language; proxmox: ProxmoxPort | undefined; may: (entry: Entry) => boolean; most: number },
): Promise<Completion[]> {
  const lead = /^\s*\/?pve\s+/.exec(line)?.[0] ?? ''
  const words = line.slice(lead.length).split(/\s+/)
  const typed = words.at(-1) ?? ''
  const before = line.slice(0, line.length - typed.length)
  const found = catalogue.find(words.slice(0, -1).map((text) => ({ text, quoted: false })))
  if (!found || !('entry' in found)) return commands(lead, words, catalogue, ask).slice(0, ask.most)
  const { entry } = found
  const shape = entry.command.args.shape
  const labels = entry.command.text[ask.language].args as Record<string, string>
  const pair = /^([a-z][\w-]*)[:=](.*)$/i.exec(typed)
  const schema = pair ? (shape[pair[1]!] as z.ZodType | undefined) : undefined
  const used = new Set(words.map((word) => /^([a-z][\w-]*)[:=]/i.exec(word)?.[1]))
  const matching = (choice: Choice, start: string) => choice.label.toLowerCase().includes(start.toLowerCase())
  if (pair && schema) {
    const values = await choices(describeArg(schema), ask.proxmox).catch(() => [])
    return values
      .filter((choice) => matching(choice, pair[2]!))
      .slice(0, ask.most)
      .map(({ value, label }) => ({ value: `${before}${pair[1]}:${quote(value)} `, label }))
  }
  const positional = entry.command.positionals?.find((name) => !used.has(name))
  const taken = found.rest.filter(({ text }) => !/^[a-z][\w-]*[:=]/i.test(text)).length
  const open =
    positional !== undefined && taken < (entry.command.positionals?.length ?? 0)
      ? entry.command.positionals![taken]
      : undefined
  const values =
    open && shape[open] ? await choices(describeArg(shape[open] as z.ZodType), ask.proxmox).catch(() => []) : []
  return [
    ...values
      .filter((choice) => matching(choice, typed))
      .map(({ value, label }) => ({ value: `${before}${quote(value)} `, label })),
    ...Object.keys(shape)
      .filter((name) => !used.has(name) && name.startsWith(typed.toLowerCase()))
      .map((name) => ({ value: `${before}${name}:`, label: `${name}:`, note: labels[name] ?? '' })),
  ].slice(0, ask.most)
}

const quote = (value: string) => (/\s/.test(value) ? `"${value}"` : value)

function commands(
  lead: string,
  words: string[],
  catalogue: Catalogue,
  ask: { language: Language; may: (entry: Entry) => boolean },
): Completion[] {
  const start = words.join(' ').toLowerCase()
  return catalogue.entries
    .filter((entry) => entry.path.startsWith(start) && ask.may(entry))
    .map((entry) => ({
      value: `${lead}${entry.path} `,
      label: entry.path,
      note: entry.command.text[ask.language].summary,
    }))
}

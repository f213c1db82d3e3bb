import { type openViews, words } from '../app.ts'
import type { Config } from '../config.ts'
import type { Language } from '../core/language.ts'
import { remembering } from '../proxmox/remembering.ts'

export type Readers = ReturnType<typeof openViews>

/** Completion lists may be this old. */
const completionAgeMs = 3000

/** What the configuration says about channels. */
export function channelsOf(config: Config) {
  const of = (target: string) => config.channels.find(({ post }) => post.includes(target))
  return {
    clusterOf: (target: string) => of(target)?.cluster,
    languageOf: (target: string) => of(target)?.language,
    posts: (cluster: string) =>
      config.channels.filter((channel) => (channel.cluster ?? cluster) === cluster).flatMap(({ post }) => post),
    taken: () => (config.channels.length === 0 ? undefined : config.channels.flatMap(({ post }) => post)),
  }
}

/** The word on every card of the lab, in the language of the card or its channel; a real cluster's have none. */
export function markOfLab(config: Config, lab: boolean) {
  if (!lab) return undefined
  const { languageOf } = channelsOf(config)
  return ({ target, language }: { target: string; language?: Language }) =>
    words[language ?? languageOf(target) ?? 'en'].say.simulated
}

/** The clusters as completion sees them: each answer is remembered briefly. */
export const remember = (readers: Readers) =>
  new Map(readers.names.map((name) => [name, remembering(readers.get(name), completionAgeMs, Date.now)]))

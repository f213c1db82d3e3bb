import type { openReaders } from '../app.ts'
import type { Config } from '../config.ts'
import { remembering } from '../proxmox/remembering.ts'

export type Readers = ReturnType<typeof openReaders>

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

/** The clusters as completion sees them: each answer is remembered briefly. */
export const remember = (readers: Readers) =>
  new Map(readers.names.map((name) => [name, remembering(readers.get(name), completionAgeMs, Date.now)]))

import type { FileContents } from './schema.ts'
import { type ProcessRole, useOf } from './secret-places.ts'
import type { Cluster, Config, HostInstall, Http, Oncall, PolicyStep } from './types.ts'

interface Given {
  file: string | undefined
  role: ProcessRole
  /** Of a host that tells its programs where to listen. */
  port: number | undefined
}

/** The checked file in the shape that the rest of the house reads, with what is derived put in. */
export function assemble(contents: FileContents, { file, role, port }: Given): Config {
  const { clusters, hosts, heartbeat, http, approvals, oncall, drills, ...same } = contents
  const config: Config = {
    ...same,
    file,
    clusters: clusters.map((each) => cluster(each, role)),
    hosts: hosts.map((host) => ({ ...host, tls: host.tls ?? {}, install: host.install && install(host.install) })),
    approvals: { ...omit(approvals, 'solo'), soloMs: approvals.solo },
    oncall: { ...oncall, policy: policy(oncall) },
    heartbeat: heartbeat && { url: heartbeat.url, everyMs: heartbeat.every },
    drills: { provenWithinMs: drills.provenWithin * 24 * 3600_000, remind: drills.remind },
    http: { ...http, listen: http.listen ?? listenOn(port) },
  }
  return role === 'lab' ? harmless(config) : config
}

type Of<Section extends keyof FileContents> = FileContents[Section]

function cluster(written: Of<'clusters'>[number], role: ProcessRole): Cluster {
  const { name, endpoints, token, tokens, tls, root, poll } = written
  const acts = useOf(role, ['clusters', name, 'tokens', 'act']) !== 'never'
  // Managing access needs a token of its own: `token` never stands in for it.
  const both = { read: token, act: acts ? token : undefined }
  return { name, endpoints, tokens: tokens ?? both, tls: tls ?? {}, root, pollMs: poll }
}

function install({ disk, ...same }: NonNullable<Of<'hosts'>[number]['install']>): HostInstall {
  const { serial = '', wwn } = disk
  return { ...same, disk: wwn === undefined ? { serial } : { wwn } }
}

function omit<T extends object, K extends keyof T>(whole: T, key: K): Omit<T, K> {
  const { [key]: _, ...rest } = whole
  return rest
}

const listenOn = (port: number | undefined): Http['listen'] =>
  port === undefined ? { host: '127.0.0.1', port: 8485 } : { host: '0.0.0.0', port }

/** Unless the file says otherwise, a critical tells everyone there is at once; a warning waits in the channel. */
function policy({ policy, rotation, pager }: Of<'oncall'>): Oncall['policy'] {
  const everyone: PolicyStep['notify'] = [
    'channel',
    ...(rotation ? ['person' as const] : []),
    ...(pager ? ['pager' as const] : []),
  ]
  const steps = (given: typeof policy.critical, notify: PolicyStep['notify']): PolicyStep[] =>
    given?.map(({ after, notify }) => ({ afterMs: after, notify })) ?? [{ afterMs: 0, notify }]
  return {
    critical: steps(policy.critical, everyone),
    warning: steps(policy.warning, ['channel']),
    info: steps(policy.info, ['channel']),
  }
}

/** The lab takes chat, people and rules from a file, never what reaches real machines or wakes real people. */
function harmless(config: Config): Config {
  const { slack, discord, web } = config.chat
  return {
    ...config,
    clusters: [],
    hosts: [],
    heartbeat: undefined,
    power: {},
    probes: {},
    oncall: { ...config.oncall, pager: undefined },
    chat: {
      slack: slack?.botToken && slack,
      discord: discord?.token && discord,
      web: web ?? { listen: { host: '127.0.0.1', port: 8484 }, signIn: 'none' },
    },
  }
}

import { z } from 'zod'
import { roles } from '../core/roles.ts'
import { eventKinds, severities } from '../ha/event.ts'
import { installMap, passwordHash } from './install-kinds.ts'
import {
  days,
  duration,
  leaf,
  list,
  map,
  matching,
  named,
  oneOf,
  secret,
  secretUrl,
  wholeNumber,
  wrong,
} from './kinds.ts'
import {
  apiUrl,
  endpoint,
  file,
  fingerprint,
  folderPath,
  listen,
  mac,
  publicUrl,
  safeUrl,
  tcpAddress,
  url,
} from './network-kinds.ts'
import { handoff, identity, language, name, quietHours, somebody, target, timeZone } from './people-kinds.ts'
import { type ProcessRole, useOf } from './secret-places.ts'

const clusterName = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
  'a name of letters, digits, dots, hyphens or underscores',
  'It is what people type after cluster: and what keys in Redis begin with.',
)
const nodeName = matching(
  /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/,
  'the name of a node',
  'Write it as Proxmox shows it, without a domain: pve1.',
)
const pool = matching(
  /^[\w./-]+$/,
  'the name of a pool',
  'Write it as Proxmox shows it: Datacenter → Permissions → Pools.',
)
const snowflake = matching(/^\d{1,20}$/, 'an id of digits', 'In Discord: Developer Mode, then Copy Server ID.')
const redisPrefix = matching(/^[\w{}.:-]{1,64}$/, 'letters, digits or - _ . : { }', 'Leave it out for quorum.')

const tokenId = leaf('the id of an API token', 'Write USER@REALM!NAME, for example quorum@pve!bot.', (text) => {
  if (text.includes('=')) wrong('holds the secret too', 'Write only USER@REALM!NAME; the secret stands in secret.')
  return /^[^\s:/!@]+@[A-Za-z][\w.-]*![A-Za-z][\w.-]+$/.test(text) ? text : wrong('must be the id of an API token')
})

const solo = duration('1s', '24h')
const soloOrOff = z.unknown().transform((value, context): number | undefined => {
  if (value === 'off' || value === false) return undefined
  const result = solo.safeParse(value)
  for (const issue of result.error?.issues ?? []) context.addIssue({ ...issue, code: 'custom' })
  return result.data
})

const steps = list(
  map({ after: duration('0s', '24h'), notify: list(oneOf('channel', 'person', 'pager', 'next'), '[channel, person]') }),
  '[{ after: 0s, notify: [channel] }]',
)

/** Each kind of event, with the severity that it shall have instead of its own. */
const eventSeverities = Object.fromEntries(eventKinds.map((kind) => [kind, oneOf(...severities).optional()]))

/** Everything that quorum.yaml may say to `role`; relative paths start at `folder`. */
export function fileSchema(role: ProcessRole, folder: string) {
  const needed = <T extends z.ZodType>(kind: T, ...place: string[]) =>
    useOf(role, place) === 'needs' ? kind : kind.optional()
  const reachesClusters = role !== 'lab' && role !== 'tool'
  const tls = map({
    fingerprints: list(fingerprint, '["AB:CD:…"]').optional(),
    ca: file(folder, reachesClusters).optional(),
  })
  const token = map({ id: tokenId, secret })
  const cluster = map({
    name: clusterName,
    endpoints: list(endpoint, '[https://10.0.0.1:8006]'),
    token: token.optional(),
    tokens: map({ read: token.optional(), act: token.optional(), access: token.optional() }).optional(),
    tls: tls.optional(),
    root: map({ password: needed(secret, 'clusters', '*', 'root', 'password') }).optional(),
    poll: duration('250ms', '5m').prefault('2s'),
  })
  const example = '[{ name: main, endpoints: […], token: { id: …, secret: … } }]'
  // The lab brings clusters of its own.
  const clusters = role === 'lab' ? list(cluster, example, 0).prefault([]) : list(cluster, example)
  const host = map({
    name: nodeName,
    endpoint,
    password: secret.optional(),
    tls: tls.optional(),
    mac: mac.optional(),
    install: installMap(needed(passwordHash, 'hosts', '*', 'install', 'passwordHash')).optional(),
  })
  const chat = map({
    slack: map({
      botToken: secret.optional(),
      appToken: secret.optional(),
      signingSecret: secret.optional(),
      apiUrl: apiUrl('/api/').optional(),
    }).optional(),
    discord: map({
      token: secret.optional(),
      guilds: list(snowflake, '["123456789012345678"]', 0).prefault([]),
      apiUrl: apiUrl('/api').optional(),
    }).optional(),
    web: map({
      listen: listen.prefault('127.0.0.1:8484'),
      signIn: oneOf('link', 'none').prefault('link'),
    }).optional(),
  })
  const channel = map({
    cluster: clusterName.optional(),
    post: list(target, '["slack:C0123"]'),
    language: language.optional(),
  })
  const grant = map({
    role: oneOf(...roles),
    who: list(somebody, '[ana, "slack:group:S1"]'),
    clusters: list(clusterName, '[main]').optional(),
    channels: list(target, '["slack:C0123"]').optional(),
    pools: list(pool, '[web]').optional(),
  })
  const person = map({
    name,
    ids: list(identity, '["slack:U1", "discord:42"]'),
    language: language.optional(),
    tz: timeZone.optional(),
  })
  const people = wholeNumber(0, 10)
  const approvals = map({
    drill: people.prefault(1),
    destroys: people.prefault(1),
    endangers: people.prefault(0),
    access: people.prefault(1),
    solo: soloOrOff.prefault('off'),
  })
  const oncall = map({
    tz: timeZone.prefault('UTC'),
    rotation: map({ everyone: list(name, '[ana, luis]'), handoff: handoff.prefault('mon 09:00') }).optional(),
    quiet: quietHours.optional(),
    policy: map({ critical: steps.optional(), warning: steps.optional(), info: steps.optional() }).prefault({}),
    pager: map({ url: safeUrl, key: secret.optional(), hookSecret: secret.optional() }).optional(),
    severity: map(eventSeverities).prefault({}),
  })
  const checkTls = role === 'bot'
  const http = map({
    listen: listen.optional(),
    publicUrl: publicUrl.optional(),
    tls: map({ cert: file(folder, checkTls), key: file(folder, checkTls) }).optional(),
    install: map({ listen, url: publicUrl.optional() }).optional(),
    hooks: map({
      proxmox: map({ secret: needed(secret, 'http', 'hooks', 'proxmox', 'secret') }).optional(),
    }).optional(),
  })
  const heartbeat = map({ url: needed(secretUrl, 'heartbeat', 'url'), every: duration('1s', '24h').prefault('60s') })
  const power = map({ webhook: secretUrl.optional(), mac: mac.optional() })
  const probe = map({ tcp: tcpAddress.optional(), http: url.optional() })

  return map({
    clusters,
    hosts: list(host, '[{ name: pve3, endpoint: https://10.0.0.3:8006 }]', 0).prefault([]),
    chat: chat.prefault({}),
    channels: list(channel, '[{ post: ["slack:C0123"] }]', 0).prefault([]),
    people: list(person, '[{ name: ana, ids: ["slack:U1"] }]', 0).prefault([]),
    roles: list(grant, '[{ role: admin, who: [ana] }]', 0).prefault([]),
    approvals: approvals.prefault({}),
    oncall: oncall.prefault({}),
    heartbeat: heartbeat.optional(),
    http: http.prefault({}),
    power: named(power, '{ pve1: { mac: … } }').prefault({}),
    probes: named(probe, '{ "vm:100": { tcp: 10.0.0.50:3389 } }').prefault({}),
    drills: map({
      provenWithin: days(1, 3650).prefault('90d'),
      remind: oneOf('weekly', 'off').prefault('off'),
    }).prefault({}),
    blueprints: folderPath(folder).optional(),
    redis: map({ prefix: redisPrefix.prefault('quorum') }).prefault({}),
  })
}

export type FileContents = z.output<ReturnType<typeof fileSchema>>

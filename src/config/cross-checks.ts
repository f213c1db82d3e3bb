import { near } from '../core/near.ts'
import { hostAndPort, hostOf, isLinkLocal, isLoopback } from './address.ts'
import type { Finding, Path } from './faults.ts'
import type { ProcessRole } from './secret-places.ts'

/** What stands at a path, whatever it is: these checks run beside the schema's, on a file that may be wrong. */
class At {
  readonly value: unknown
  readonly path: Path

  constructor(value: unknown, path: Path = []) {
    this.value = value
    this.path = path
  }

  key(name: string): At {
    const own = isMap(this.value) && Object.hasOwn(this.value, name) ? this.value[name] : undefined
    return new At(own, [...this.path, name])
  }

  items(): At[] {
    return Array.isArray(this.value) ? this.value.map((item, i) => new At(item, [...this.path, i])) : []
  }

  entries(): At[] {
    return isMap(this.value) ? Object.keys(this.value).map((name) => this.key(name)) : []
  }

  get text(): string | undefined {
    return typeof this.value === 'string' ? this.value : undefined
  }

  get given(): boolean {
    return this.value !== undefined
  }

  fault(says: string, hint: string): Finding {
    return { path: this.path, says, hint }
  }
}

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * What no single value shows: names that nothing has, names that two things have, sections that need one another.
 * `data` has its references filled in; `written` is the same before secrets were left out.
 */
export function crossChecks(data: unknown, written: unknown, role: ProcessRole): Finding[] {
  const file = new At(data)
  return [
    ...duplicates(file),
    ...unknownNames(file, role),
    ...tokens(new At(written)),
    ...signIn(file),
    ...slackWayIn(file, role),
    ...oncall(file),
    ...power(new At(written)),
    ...probes(file, role),
    ...listeners(file),
    ...installs(new At(written)),
  ]
}

function* duplicates(file: At): Iterable<Finding> {
  const people = file.key('people').items()
  const clusters = file.key('clusters').items()
  yield* repeated(
    clusters.map((cluster) => cluster.key('name')),
    'is the name of another cluster too',
  )
  yield* repeated(
    clusters.flatMap((cluster) => cluster.key('endpoints').items()),
    'is listed already',
  )
  yield* repeated(
    file
      .key('hosts')
      .items()
      .map((host) => host.key('name')),
    'is the name of another host too',
  )
  yield* repeated(
    people.map((person) => person.key('name')),
    'is the name of another person too',
  )
  yield* repeated(
    people.flatMap((person) => person.key('ids').items()),
    'is listed already, and belongs to one person',
  )
}

function* repeated(all: At[], says: string): Iterable<Finding> {
  const first = new Map<string, Path>()
  for (const one of all) {
    const text = one.text?.toLowerCase().replace(/\/$/, '')
    if (text === undefined) continue
    if (first.has(text)) yield one.fault(says, 'Keep one of the two, or rename this one.')
    else first.set(text, one.path)
  }
}

function* unknownNames(file: At, role: ProcessRole): Iterable<Finding> {
  const clusters = texts(
    file
      .key('clusters')
      .items()
      .map((cluster) => cluster.key('name')),
  )
  const people = texts(
    file
      .key('people')
      .items()
      .map((person) => person.key('name')),
  )
  const roles = file.key('roles').items()
  const named = [
    ...file
      .key('channels')
      .items()
      .map((channel) => channel.key('cluster')),
    ...roles.flatMap((grant) => grant.key('clusters').items()),
  ]
  // The lab brings clusters of its own.
  if (role !== 'lab') yield* strangers(named, clusters, 'cluster', 'clusters')
  const who = roles.flatMap((grant) => grant.key('who').items()).filter(({ text }) => !text?.includes(':'))
  const turns = file.key('oncall').key('rotation').key('everyone').items()
  yield* strangers([...who, ...turns], people, 'person', 'people')
}

const texts = (all: At[]): string[] => all.flatMap(({ text }) => text ?? [])

function* strangers(named: At[], known: string[], kind: string, section: string): Iterable<Finding> {
  for (const one of named) {
    if (one.text === undefined || known.includes(one.text)) continue
    const [meant] = near(one.text, known, 1)
    const listed = known.length > 0 ? `${section} has ${known.join(', ')}.` : `${section} has nobody yet.`
    yield one.fault(
      `names a ${kind} that ${section} does not have`,
      meant ? `Did you mean ${meant}?` : `Add it; ${listed}`,
    )
  }
}

function* tokens(written: At): Iterable<Finding> {
  for (const cluster of written.key('clusters').items()) {
    if (!isMap(cluster.value)) continue
    const [one, several] = [cluster.key('token'), cluster.key('tokens')]
    if (one.given && several.given) {
      yield one.fault('stands beside tokens', 'Keep token for everything, or tokens: { read, act, access }.')
    } else if (several.given && !several.key('read').given) {
      yield several.fault('has no read', 'Add read: { id: …, secret: … }, a token with the role PVEAuditor.')
    } else if (!one.given && !several.given) {
      yield cluster.fault('has neither token nor tokens', `Add token: { id: quorum@pve!bot, secret: \${NAME} }.`)
    }
  }
}

function* signIn(file: At): Iterable<Finding> {
  const web = file.key('chat').key('web')
  const host = hostAndPort(web.key('listen').text ?? '127.0.0.1:8484')?.host
  if (web.key('signIn').text !== 'none' || host === undefined || isLoopback(host)) return
  yield web
    .key('signIn')
    .fault(
      'is none on an address that other machines reach: anyone could be anyone there',
      'Write signIn: link, or listen on 127.0.0.1.',
    )
}

function* slackWayIn(file: At, role: ProcessRole): Iterable<Finding> {
  const slack = file.key('chat').key('slack')
  const [app, bot] = [slack.key('appToken'), slack.key('botToken')]
  if (bot.text?.startsWith('xapp-')) yield bot.fault('is an app-level token', 'The bot token begins with xoxb-.')
  if (app.text?.startsWith('xoxb-')) yield app.fault('is a bot token', 'The app-level token begins with xapp-.')
  if (role === 'tool' || !bot.given || app.given || slack.key('signingSecret').given) return
  yield slack.fault(
    'has a bot token, and no way for Slack to reach the bot',
    'Add appToken (Socket Mode, needs no public address) or signingSecret (HTTP at /slack/events).',
  )
}

function* oncall(file: At): Iterable<Finding> {
  const section = file.key('oncall')
  for (const steps of section.key('policy').entries()) {
    for (const told of steps.items().flatMap((step) => step.key('notify').items())) {
      if (told.text === 'pager' && !section.key('pager').given) {
        yield told.fault('names the pager, and there is none', 'Add oncall.pager: { url: …, key: … }.')
      }
      if ((told.text === 'person' || told.text === 'next') && !section.key('rotation').given) {
        yield told.fault(
          'names whoever is on call, and there is no rotation',
          'Add oncall.rotation: { everyone: [ana] }.',
        )
      }
    }
    yield* outOfOrder(steps.items().map((step) => step.key('after')))
  }
}

function* outOfOrder(afters: At[]): Iterable<Finding> {
  let latest = 0
  for (const after of afters) {
    const ms = roughMs(after.text ?? '')
    if (ms < latest) yield after.fault('comes before the step above it', 'Write the steps in the order of their times.')
    else latest = ms
  }
}

function roughMs(duration: string): number {
  const [, digits = '0', unit = 'ms'] = /^(\d+)(ms|s|m|h)$/.exec(duration) ?? []
  return Number(digits) * ({ ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit] ?? 1)
}

function* power(written: At): Iterable<Finding> {
  for (const node of written.key('power').entries()) {
    if (!isMap(node.value) || node.key('mac').given || node.key('webhook').given) continue
    yield node.fault('has neither mac nor webhook', 'Add mac: … for Wake-on-LAN, or webhook: … that switches it on.')
  }
}

function* probes(file: At, role: ProcessRole): Iterable<Finding> {
  for (const probe of file.key('probes').entries()) {
    if (!/^(?:vm|ct):[1-9]\d{2,8}$/.test(String(probe.path.at(-1)))) {
      yield probe.fault('is not the name of a guest', 'Write "vm:NUMBER" or "ct:NUMBER", in quotes.')
    }
    const [tcp, http] = [probe.key('tcp'), probe.key('http')]
    if (isMap(probe.value) && tcp.given === http.given) {
      yield probe.fault('needs either tcp or http', 'Write { tcp: ADDRESS:PORT } or { http: URL }.')
    }
    const web = URL.canParse(http.text ?? '') ? hostOf(new URL(http.text ?? '')) : undefined
    for (const [one, host] of [
      [tcp, hostAndPort(tcp.text ?? '')?.host],
      [http, web],
    ] as const) {
      if (role === 'lab' || host === undefined || !(isLoopback(host) || isLinkLocal(host))) continue
      yield one.fault("is an address of Quorum's own machine or link, not of a guest", "Write the guest's own address.")
    }
  }
}

/** What erases a disk names its machine, its disk, and its network whole. */
function* installs(file: At): Iterable<Finding> {
  for (const host of file.key('hosts').items()) {
    const install = host.key('install')
    if (!isMap(install.value)) continue
    if (!host.key('mac').given) yield install.fault('needs mac beside it', 'Add mac: … of the card with its address.')
    const disk = install.key('disk')
    if (isMap(disk.value) && disk.key('serial').given === disk.key('wwn').given) {
      yield disk.fault('needs either serial or wwn', 'Write { serial: … } or { wwn: "0x…" }.')
    }
    const given = ['cidr', 'gateway', 'dns'].filter((name) => install.key(name).given)
    if (given.length === 1 || given.length === 2) {
      yield install.fault('needs cidr, gateway and dns together', 'Give all three, or none for DHCP.')
    }
  }
  // Without a machine to install, nothing is ever served.
  if (
    !file
      .key('hosts')
      .items()
      .some((host) => host.key('install').given)
  )
    return
  const listener = file.key('http').key('install')
  const host = hostAndPort(listener.key('listen').text ?? '')?.host
  if (host !== undefined && !isLoopback(host) && !file.key('http').key('tls').given) {
    yield listener.fault('needs http.tls', 'Add tls: { cert: …, key: … } under http: the medium pins that certificate.')
  }
}

function* listeners(file: At): Iterable<Finding> {
  const all = [file.key('chat').key('web'), file.key('http'), file.key('http').key('install')]
  const fixed = all.map((one) => one.key('listen')).filter(({ text }) => text !== undefined && !text.endsWith(':0'))
  yield* repeated(fixed, 'is taken by another listener of this file')
}

import type { Filesystem, Keyboard } from '../core/install.ts'
import type { Language } from '../core/language.ts'
import type { Target } from '../core/message.ts'
import type { Grant, Person } from '../core/roles.ts'
import type { Secret } from '../core/secret.ts'

/**
 * The configuration, checked and normalised: every duration in milliseconds, every address split, every default in
 * place. A secret that this process does not use is absent, whatever the file says (src/config/secret-places.ts).
 */
export interface Config {
  /** Absolute path of the file it came from; absent where none was read. */
  file?: string | undefined
  /** Never empty, but for the lab, which brings its own. */
  clusters: Cluster[]
  hosts: Host[]
  chat: { slack?: SlackChat | undefined; discord?: DiscordChat | undefined; web?: WebChat | undefined }
  /** Empty: commands are taken anywhere and nothing is posted. */
  channels: Channel[]
  people: Person[]
  /** Empty: everyone is refused. */
  roles: Grant[]
  approvals: Approvals
  oncall: Oncall
  heartbeat?: Heartbeat | undefined
  http: Http
  /** By node name. */
  power: Record<string, PowerSource>
  /** By guest, `vm:100` or `ct:101`. */
  probes: Record<string, Probe>
  drills: DrillRules
  /** Absolute path of the folder of blueprints that chat may name. */
  blueprints?: string | undefined
  redis: { prefix: string }
}

export interface Cluster {
  name: string
  /** `https://host:port`, tried in turn. */
  endpoints: string[]
  tokens: { read?: ApiToken | undefined; act?: ApiToken | undefined; access?: ApiToken | undefined }
  tls: Tls
  root?: { password?: Secret | undefined } | undefined
  pollMs: number
}

/** `id` as Proxmox writes it: `user@realm!name`. */
export interface ApiToken {
  id: string
  secret: Secret
}

/** How a server's certificate is trusted: with both, both must hold; with neither, the machine's own authorities. */
export interface Tls {
  /** SHA-256, upper-case with colons: `AB:CD:…`. */
  fingerprints?: string[] | undefined
  /** Absolute path of a PEM file. */
  ca?: string | undefined
}

/** A machine with Proxmox installed that is not yet in a cluster. */
export interface Host {
  name: string
  /** `https://host:port`. */
  endpoint: string
  password?: Secret | undefined
  tls: Tls
  mac?: string | undefined
  install?: HostInstall | undefined
}

/** How a machine is installed unattended. */
export interface HostInstall {
  /** Of its DMI. */
  serial: string
  /** What is not here is asked for when its window is opened. */
  fqdn?: string | undefined
  keyboard?: Keyboard | undefined
  country?: string | undefined
  timezone?: string | undefined
  mailto?: string | undefined
  /** As crypt(3) writes it. */
  passwordHash?: Secret | undefined
  filesystem: Filesystem
  disk: { serial: string } | { wwn: string }
  /** With `gateway` and `dns`; absent: by DHCP. */
  cidr?: string | undefined
  gateway?: string | undefined
  dns?: string | undefined
}

/** Off while it has no `botToken`. Socket Mode with `appToken`, else HTTP with `signingSecret`. */
export interface SlackChat {
  botToken?: Secret | undefined
  appToken?: Secret | undefined
  signingSecret?: Secret | undefined
  /** Ends in `/api/`. */
  apiUrl?: string | undefined
}

/** Off while it has no `token`. */
export interface DiscordChat {
  token?: Secret | undefined
  guilds: string[]
  /** Ends in `/api`. */
  apiUrl?: string | undefined
}

/** `none` believes the name in a request's body; it is only ever set on a loopback address. */
export interface WebChat {
  listen: Listen
  signIn: 'link' | 'none'
}

/** `host` without brackets; port 0 is any free one. */
export interface Listen {
  host: string
  port: number
}

export interface Channel {
  /** Absent: no cluster of its own; the command says which, or there is only one. */
  cluster?: string | undefined
  post: Target[]
  language?: Language | undefined
}

/** How many OTHER people must agree. */
export interface Approvals {
  drill: number
  destroys: number
  endangers: number
  access: number
  /** One person may confirm twice, this far apart. Absent: off. */
  soloMs?: number | undefined
}

export interface Oncall {
  /** IANA name, as `Intl` knows it. */
  tz: string
  rotation?: Rotation | undefined
  /** Minutes of the day in `tz`; `from` may be later than `to` (over midnight). Never holds a critical. */
  quiet?: { fromMinute: number; toMinute: number } | undefined
  policy: Record<Severity, PolicyStep[]>
  /** PagerDuty Events v2 or a service that speaks it. */
  /** Workers send with `key`; the bot knows by `hookSecret` that an acknowledgement is the pager's own. */
  pager?: { url: string; key?: Secret | undefined; hookSecret?: Secret | undefined } | undefined
  /** By kind of event; the others have their own. */
  severity: Record<string, Severity | undefined>
}

export type Severity = 'info' | 'warning' | 'critical'

export interface Rotation {
  /** Names of `people`, in the order of their turns. */
  everyone: string[]
  /** `weekday` as ISO 8601 has it, 1 = Monday; `minute` of the day in the on-call time zone. */
  handoff: { weekday: number; minute: number }
}

/** `afterMs` since the incident began; steps are in order. */
export interface PolicyStep {
  afterMs: number
  notify: ('channel' | 'person' | 'pager' | 'next')[]
}

/** `url` is a credential: whoever has it can keep the alarm quiet. */
export interface Heartbeat {
  url?: Secret | undefined
  everyMs: number
}

export interface Http {
  listen: Listen
  /** Without a trailing slash. */
  publicUrl?: string | undefined
  /** Absolute paths. */
  tls?: { cert: string; key: string } | undefined
  /** The listener for answer files; absent: off. */
  install?: { listen: Listen; url?: string | undefined } | undefined
  /** Who may call us; with `proxmox`, its notifications make the watcher look early. */
  hooks?: { proxmox?: { secret?: Secret | undefined } | undefined } | undefined
}

/** How a node that is off is started; `webhook` is a credential. */
export interface PowerSource {
  webhook?: Secret | undefined
  /** Lower-case with colons. */
  mac?: string | undefined
}

/** How old the proof of an HA group may be, and whether its channels are told once a week of those that are older. */
export interface DrillRules {
  provenWithinMs: number
  remind: 'weekly' | 'off'
}

/** What a guest's users would notice: one of the two. */
export interface Probe {
  tcp?: Listen | undefined
  http?: string | undefined
}

/** Who may do what: roles, groups and realms as they are read, and what a token for managing access alone may change. */
import type { CallOptions, Params, Proxmox, Upid } from './port.ts'

export interface AccessGroup {
  group: string
  /** `user@realm`. */
  members: string[]
}

/** Where accounts are checked. */
export interface AccessRealm {
  realm: string
  /** `pam`, `pve`, `ldap`, `ad`, `openid`. */
  type: string
  /** It is chosen at login unless somebody chooses another. */
  isDefault: boolean
  comment?: string
}

export interface AccessReads {
  accessGroups(o?: CallOptions): Promise<AccessGroup[]>
  accessRealms(o?: CallOptions): Promise<AccessRealm[]>
  /** What domains.cfg says of a realm, in Proxmox's words; its password is in no answer. */
  realmOptions(realm: string, o?: CallOptions): Promise<Record<string, string>>
}

/** Acting by the token that is for access alone. */
export interface ProxmoxAccess extends Proxmox {
  /** Lists and realms make no task: what came of a call is seen in the configuration. */
  updateAccess(params: Params, o?: CallOptions): Promise<void>
  createRealm(params: Params, o?: CallOptions): Promise<void>
  /** `dry-run` looks into the directory and changes nothing. */
  syncRealm(realm: string, params: Params, o?: CallOptions): Promise<Upid>
  close(): Promise<void>
}

/** The tokens for managing access, in a process that holds them. */
export interface AccessTokens {
  /** Undefined for a cluster that has none: no other token stands in for it. */
  get(cluster: string): ProxmoxAccess | undefined
  /** Every token that this installation uses on a cluster, `user@realm!name`. */
  own(cluster: string): string[]
}

declare module '../core/ports.ts' {
  interface Ports {
    proxmoxAccess: AccessTokens
  }
}

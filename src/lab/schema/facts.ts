/** The kinds of value Proxmox's schema knows. */
export type ParamType = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object'

/**
 * What Proxmox checks about one parameter, or about one key of a property string such as `net0`.
 * Lengths are in characters; a pattern must match the whole value; enumerations keep Proxmox's order, for its refusals quote them.
 */
export interface ParamFacts {
  /** Absent where anything goes. */
  readonly type?: ParamType
  readonly optional?: boolean
  readonly enum?: readonly string[]
  /** A named check (`pve-vmid`, `pve-node-list`), or the keys of a property string. */
  readonly format?: string | Keys
  readonly pattern?: RegExp
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly maxLength?: number
  /** What Proxmox takes if the parameter is absent; nothing here fills it in. */
  readonly default?: string | number
  /** Another parameter that must be given with this one. */
  readonly requires?: string
  /** Of arrays. */
  readonly items?: ParamFacts
  /** Of an indexed parameter such as `scsi[n]`: the highest n. */
  readonly lastIndex?: number
  /** Given, this parameter belongs only to some values of that other one; `variants` are its facts by that value. */
  readonly typeProperty?: string
  readonly variants?: Readonly<Record<string, ParamFacts>>
  /** In property strings: the key of a value without key, another name of a key, and the key that takes this key's name. */
  readonly defaultKey?: boolean
  readonly alias?: string
  readonly keyAlias?: string
}

export type Keys = Readonly<Record<string, ParamFacts>>

/** Who may call: a check in prefix notation, as `["perm", "/vms/{vmid}", ["VM.Audit"]]`, or anybody with (`all`) or without (`world`) a login. */
export interface Permissions {
  readonly check?: readonly unknown[]
  readonly user?: 'all' | 'world'
}

/** One path and method of the API. */
export interface EndpointFacts {
  /** By name; indexed ones once, as `scsi[n]`. Path parameters are among them. */
  readonly params: Keys
  /** False where unknown parameters are refused, which is nearly everywhere. */
  readonly additionalProperties: boolean
  /** Absent: root@pam alone, in person. */
  readonly permissions?: Permissions
  /** False where an API token is refused whatever its rights. */
  readonly allowToken: boolean
  /** Runs as root in pvedaemon; the rest runs in pveproxy. */
  readonly protected: boolean
  /** The parameter that names the node which answers. */
  readonly proxyTo?: string
}

/** One step of the paths: what may follow it, and the endpoint that ends here. */
export interface PathNode {
  readonly literals: Map<string, PathNode>
  /** `rest` takes all that follows, slashes included. */
  param?: { readonly name: string; readonly node: PathNode; readonly rest: boolean }
  template?: string
}

/** The API of one Proxmox VE release. */
export interface PveSchema {
  readonly version: string
  /** By template (`/nodes/{node}/qemu`) and method. */
  readonly endpoints: Readonly<Record<string, Readonly<Record<string, EndpointFacts>>>>
  readonly root: PathNode
}

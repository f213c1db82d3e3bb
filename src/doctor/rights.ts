import type { AccessRole, AclEntry, Proxmox } from '../proxmox/port.ts'

/** What one token may do, as the process that holds it has seen; plain JSON. */
export interface TokenRights {
  /** `user@realm!name`. */
  token: string
  /** Path → privilege → whether it also holds below. */
  permissions: Record<string, Record<string, boolean>>
  /** Absent where the token may not see them. */
  acl?: AclEntry[]
  roles?: AccessRole[]
}

/** A token whose rights could not be asked for. `unauthorized`: Proxmox did not take it. */
export interface TokenTrouble {
  token: string
  trouble: 'unauthorized' | 'unreachable'
  raw: string
}

export type TokenLook = TokenRights | TokenTrouble

/** Never rejects. `codeOf`: what an error means, in the house's words. */
export async function lookAtRights(
  proxmox: Proxmox,
  codeOf: (error: unknown) => string | undefined,
  signal?: AbortSignal,
): Promise<TokenLook> {
  const { user, tokenid } = proxmox.identity
  const token = tokenid === undefined ? user : `${user}!${tokenid}`
  const options = signal ? { signal } : {}
  try {
    const permissions = await proxmox.permissions(options)
    const [acl, roles] = await Promise.all([
      proxmox.accessList(options).catch(() => []),
      proxmox.accessRoles(options).catch(() => undefined),
    ])
    return { token, permissions, ...(acl.length > 0 ? { acl } : {}), ...(roles ? { roles } : {}) }
  } catch (error) {
    const trouble = codeOf(error) === 'unauthorized' ? 'unauthorized' : 'unreachable'
    return { token, trouble, raw: error instanceof Error ? error.message : String(error) }
  }
}

/** `/vms/{vmid}` → `/vms`: the path from which a right reaches all of its kind. */
export const collectionOf = (path: string): string => path.replace(/\/\{.*$/, '') || '/'

/** Paths that `GET /access/permissions` always tells of; one that it leaves out has nothing. */
const alwaysTold = new Set(['/', '/access', '/access/groups', '/nodes', '/pool', '/sdn', '/storage', '/vms'])

export type Held = 'everywhere' | 'nowhere' | { only: string[] }

/** Whether a privilege is held on a need's path: on all that the path stands for, on some, or on none. */
export function held(permissions: TokenRights['permissions'], path: string, privilege: string): Held {
  const root = collectionOf(path)
  if (reaches(permissions, root, privilege, root !== path)) return 'everywhere'
  if (root === path) return 'nowhere'
  const only = Object.keys(permissions).filter(
    (told) => told.startsWith(`${root}/`) && permissions[told]?.[privilege] !== undefined,
  )
  return only.length > 0 ? { only: only.sort() } : 'nowhere'
}

/** A path without rights of its own has those that the nearest one above it passes on. */
function reaches(permissions: TokenRights['permissions'], path: string, privilege: string, below: boolean): boolean {
  const told = permissions[path]
  if (told) return below ? told[privilege] === true : told[privilege] !== undefined
  if (alwaysTold.has(path)) return false
  return reaches(permissions, path.slice(0, path.lastIndexOf('/')) || '/', privilege, true)
}

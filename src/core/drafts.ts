/**
 * A preference of nodes that a cluster cannot hold yet: since Proxmox VE 9 a rule must have a machine. It is kept here
 * until the first machine comes under it, and forgotten as soon as the cluster has a rule of that name.
 */
export interface Draft {
  name: string
  /** The most wanted first. */
  nodes: { node: string; priority: number }[]
  strict: boolean
}

export interface Drafts {
  /** By name. */
  list(cluster: string): Promise<Draft[]>
  keep(cluster: string, draft: Draft): Promise<void>
  forget(cluster: string, name: string): Promise<void>
}

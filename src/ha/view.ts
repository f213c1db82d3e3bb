/** How well a cluster is seen; whoever shows its state says so when it is not `fresh`. Silence is never health. */
export interface ClusterView {
  /** `stale`: only nodes without quorum answer, with what they last knew. `unseen`: nobody answers. */
  state: 'fresh' | 'stale' | 'unseen'
  /** ISO 8601: since when it is so. */
  since: string
  /** ISO 8601: when a node with quorum last answered. */
  lastSeen?: string
  /** ISO 8601: Proxmox's own clock at the last look. */
  clock?: string
  /** The node that answered last. */
  answeredBy?: string
}

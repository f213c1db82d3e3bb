/** What Proxmox packs into the name of a task. */
export interface ParsedUpid {
  /** The node that runs it, which may not be the one that was asked. */
  node: string
  pid: number
  /** The process's start in clock ticks since the node's boot; tells two processes of one pid apart. */
  pstart: number
  /** Seconds on the node's clock. */
  starttime: number
  type: string
  /** Mostly a VMID; may be empty. */
  id: string
  /** `user@realm`, without the token's name. */
  user: string
  tokenid?: string
}

const UPID =
  /^UPID:([A-Za-z0-9.-]+):([\dA-F]{8}):([\dA-F]{8,9}):([\dA-F]{8}):([^:\s]+):([^:\s]*):([^:\s!]+)(?:!([^:\s]+))?:$/i

/** Throws `TypeError` for anything but `UPID:node:pid:pstart:starttime:type:id:user[!token]:` (numbers in hex). */
export function parseUpid(upid: string): ParsedUpid {
  const parts = UPID.exec(upid)
  if (!parts) throw new TypeError(`not a UPID: ${JSON.stringify(upid.slice(0, 200))}`)
  const [, node, pid, pstart, starttime, type, id, user, tokenid] = parts as unknown as [string, ...string[]]
  return {
    node: node as string,
    pid: Number.parseInt(pid as string, 16),
    pstart: Number.parseInt(pstart as string, 16),
    starttime: Number.parseInt(starttime as string, 16),
    type: type as string,
    id: id as string,
    user: user as string,
    ...(tokenid === undefined ? {} : { tokenid }),
  }
}

export function formatUpid(upid: ParsedUpid): string {
  const hex = (number: number) => number.toString(16).toUpperCase().padStart(8, '0')
  const who = upid.tokenid === undefined ? upid.user : `${upid.user}!${upid.tokenid}`
  const numbers = [upid.pid, upid.pstart, upid.starttime].map(hex).join(':')
  return `UPID:${upid.node}:${numbers}:${upid.type}:${upid.id}:${who}:`
}

/** multipart/form-data as the upload call sends it: a few fields and one file, of which only name and size are kept. */
import type { IncomingMessage } from 'node:http'

export interface Upload {
  filename: string
  size: number
}

const HEADERS_END = Buffer.from('\r\n\r\n')

/** The file's bytes are counted and dropped, so that an ISO image of gigabytes costs no memory. */
export async function readUpload(
  request: IncomingMessage,
  type: string,
): Promise<{ fields: Record<string, string>; upload?: Upload }> {
  const boundary = /boundary="?([^";]+)"?/i.exec(type)?.[1] ?? ''
  const delimiter = Buffer.from(`\r\n--${boundary}`)
  const fields: Record<string, string> = {}
  let upload: Upload | undefined
  let part: { name: string; filename?: string; size: number; text: string } | undefined
  let held: Buffer = Buffer.from('\r\n')

  function take(bytes: Buffer) {
    if (!part) return
    part.size += bytes.length
    if (part.filename === undefined) part.text += bytes.toString('utf8')
  }
  function endPart() {
    if (part?.filename !== undefined) upload = { filename: part.filename, size: part.size }
    else if (part) fields[part.name] = part.text
    part = undefined
  }
  for await (const chunk of request) {
    held = Buffer.concat([held, chunk as Buffer])
    for (;;) {
      const at = held.indexOf(delimiter)
      if (at === -1) break
      const start = held.indexOf(HEADERS_END, at)
      if (
        start === -1 &&
        !held
          .subarray(at + delimiter.length)
          .toString('latin1')
          .startsWith('--')
      )
        break
      take(held.subarray(0, at))
      endPart()
      if (start === -1) return { fields, ...(upload && { upload }) }
      part = partFrom(held.subarray(at, start).toString('utf8'))
      held = held.subarray(start + HEADERS_END.length)
    }
    if (!part) continue
    const next = held.indexOf(delimiter)
    const safe = next === -1 ? Math.max(0, held.length - delimiter.length) : next
    take(held.subarray(0, safe))
    held = held.subarray(safe)
  }
  return { fields, ...(upload && { upload }) }
}

function partFrom(headers: string) {
  const filename = /filename="([^"]*)"/i.exec(headers)?.[1]
  const name = /[ ;]name="([^"]*)"/i.exec(headers)?.[1] ?? ''
  return { name, size: 0, text: '', ...(filename === undefined ? {} : { filename }) }
}

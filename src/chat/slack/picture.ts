import type { webApi } from '@slack/bolt'
import type { Message } from '../../core/message.ts'

interface Picture {
  bytes: Buffer
  filename: string
  alt: string
}

const mostBytes = 5 * 1024 ** 2

/** The picture that a message carries in itself (`data:image/png;base64,…`), if it carries one. */
export function pictureOf(image: Message['image']): Picture | undefined {
  const data = /^data:image\/(png|jpeg|gif);base64,([A-Za-z0-9+/=]+)$/.exec(image?.url ?? '')
  if (!image || !data || data[2]!.length > (mostBytes * 4) / 3) return undefined
  return { bytes: Buffer.from(data[2]!, 'base64'), filename: `picture.${data[1]}`, alt: image.alt }
}

/** In three calls, as Slack wants it since 2025 (files.getUploadURLExternal, the bytes, files.completeUploadExternal). */
export async function upload(
  client: webApi.WebClient,
  { bytes, filename, alt }: Picture,
  to: { channel: string; thread: string },
): Promise<void> {
  await client.filesUploadV2({
    channel_id: to.channel,
    thread_ts: to.thread,
    file: bytes,
    filename,
    title: alt.slice(0, 200) || filename,
    alt_text: alt.slice(0, 1000) || filename,
  })
}

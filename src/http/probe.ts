import { connect } from 'node:net'

const withinMs = 1000

/** Whether somebody answers at a TCP address, or a URL without an error; redirects are not followed. */
export async function probe(at: { tcp?: { host: string; port: number } | undefined; http?: string | undefined }) {
  if (at.tcp) return answersTcp(at.tcp)
  if (at.http === undefined) return undefined
  const signal = AbortSignal.timeout(withinMs)
  const response = await fetch(at.http, { redirect: 'manual', signal }).catch(() => undefined)
  await response?.body?.cancel()
  return response !== undefined && response.status < 500
}

const answersTcp = (at: { host: string; port: number }) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ ...at, timeout: withinMs })
    const end = (answers: boolean) => {
      socket.destroy()
      resolve(answers)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })

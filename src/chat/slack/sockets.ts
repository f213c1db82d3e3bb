import { type Logger, SocketModeReceiver } from '@slack/bolt'

const firstWaitMs = 500
const longestWaitMs = 30_000
const closeWithinMs = 1000

export interface Socket {
  receiver: SocketModeReceiver
  /** Connects, and connects again whenever the connection ends; resolves with the first success or failure. */
  keepConnected(): Promise<void>
  isConnected(): boolean
  close(): Promise<void>
}

/**
 * One socket that we keep open ourselves: left to the SDK, a refresh leaves 5 s without it, and a reconnection that
 * Slack refuses is an unhandled rejection (socket-mode 3.1.0, SocketModeClient.delayReconnectAttempt).
 */
export function openSocket(options: {
  appToken: string
  logger: Logger
  clientOptions: object
  log: { warn(about: object, text: string): void }
}): Socket {
  const { appToken, logger, clientOptions, log } = options
  const receiver = new SocketModeReceiver({
    appToken,
    logger,
    autoReconnectEnabled: false,
    installerOptions: { clientOptions },
  })
  const { client } = receiver
  const ended = new AbortController()
  const isConnected = () => client.websocket?.isActive() === true

  async function keep(first: () => void): Promise<void> {
    let waitMs = firstWaitMs
    while (!ended.signal.aborted) {
      const down = new Promise<void>((resolve) => client.once('disconnected', () => resolve()))
      try {
        await client.start()
        first()
        waitMs = firstWaitMs
        await down
      } catch (error) {
        first()
        if (ended.signal.aborted) return
        log.warn({ error: (error as Error)?.message, againInMs: waitMs }, 'no socket to Slack')
        await pause(waitMs, ended.signal)
        waitMs = Math.min(waitMs * 2, longestWaitMs)
      }
    }
  }

  return {
    receiver,
    isConnected,
    keepConnected: () => new Promise((resolve) => void keep(resolve)),
    async close() {
      ended.abort()
      if (!client.websocket) return
      await Promise.race([client.disconnect().catch(() => {}), pause(closeWithinMs)])
    },
  }
}

/** Resolves early when the signal aborts. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
}

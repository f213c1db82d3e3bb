import { App, LogLevel, SocketModeReceiver } from '@slack/bolt'

export interface BoltOrders {
  appToken: string
  botToken: string
  apiUrl: string
}

/** Bolt alone over one socket: a handler that acknowledges whatever is typed, and does nothing. */
export function main(): void {
  process.once('message', async ({ appToken, botToken, apiUrl }: BoltOrders) => {
    const clientOptions = () => ({ slackApiUrl: apiUrl })
    const receiver = new SocketModeReceiver({
      appToken,
      logLevel: LogLevel.ERROR,
      installerOptions: { clientOptions: clientOptions() },
    })
    const app = new App({ token: botToken, receiver, clientOptions: clientOptions(), logLevel: LogLevel.ERROR })
    app.command(/.*/, ({ ack }) => ack())
    await app.start()
    process.send?.('ready')
  })
  process.once('disconnect', () => process.exit(0))
}

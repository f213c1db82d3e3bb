import { App, HTTPReceiver, type Logger, LogLevel, type Receiver, SocketModeReceiver, webApi } from '@slack/bolt'
import type { SlackStandIn } from './index.ts'

/** A fresh object each time: SocketModeClient writes its retry policy into what it is given. */
function clientOptions(slack: SlackStandIn) {
  return { slackApiUrl: slack.apiUrl, retryConfig: { retries: 3, minTimeout: 20, maxTimeout: 50 } }
}

/** The SDK logs each cut socket; the tests look at what came of it instead. */
const quiet: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  getLevel: () => LogLevel.ERROR,
  setName: () => {},
}

export function socketReceiver(slack: SlackStandIn): SocketModeReceiver {
  return new SocketModeReceiver({
    appToken: slack.appToken,
    clientPingTimeout: 1000,
    logger: quiet,
    installerOptions: { clientOptions: clientOptions(slack) },
  })
}

export function httpReceiver(slack: SlackStandIn): HTTPReceiver {
  return new HTTPReceiver({ signingSecret: slack.signingSecret, logLevel: LogLevel.ERROR })
}

/** The real client alone, with the bot's token. */
export function webClient(slack: SlackStandIn, options: webApi.WebClientOptions = {}): webApi.WebClient {
  return new webApi.WebClient(slack.botToken, { ...clientOptions(slack), logger: quiet, ...options })
}

const plain = (text: string) => ({ type: 'plain_text' as const, text })
const button = (text: string, actionId: string) =>
  ({ type: 'button', action_id: actionId, value: '7', text: plain(text) }) as const
const row = (...elements: ReturnType<typeof button>[]) => ({ type: 'actions' as const, elements })
const section = (text: string) => ({ type: 'section' as const, text: { type: 'mrkdwn' as const, text } })
const card = (text: string) => [section(text), row(button('Cancel', 'cancel:7'))]
const menu = {
  type: 'static_select' as const,
  action_id: 'menu',
  options: ['pve1', 'pve2'].map((node) => ({ text: plain(node), value: node })),
}

const form = (title: string) => ({
  type: 'modal' as const,
  callback_id: 'create',
  title: plain(title),
  submit: plain('Create'),
  blocks: [
    {
      type: 'input' as const,
      block_id: 'name',
      label: plain('Name'),
      element: { type: 'plain_text_input' as const, action_id: 'value', max_length: 20 },
    },
    {
      type: 'input' as const,
      block_id: 'node',
      label: plain('Node'),
      element: { type: 'external_select' as const, action_id: 'node', min_query_length: 0 },
    },
  ],
})

export interface SampleBot {
  /** What went wrong in its handlers. */
  errors: Error[]
  /** The events it was handed, `id#retry`, duplicates too. */
  heard: string[]
  /** Lets `/pve late` acknowledge. */
  letGo(): void
}

/** `/pve form | refused | confirm | menu | version | late`; anything else posts a card and edits it once. */
function takeCommands(app: App, released: Promise<void>): void {
  app.command('/pve', async ({ ack, command, client, respond }) => {
    if (command.text === 'late') await released
    if (command.text === 'version') return ack('1.0')
    await ack()
    const channel = command.channel_id
    if (command.text === 'form') {
      await client.views.open({ trigger_id: command.trigger_id, view: form('New guest') })
    } else if (command.text === 'refused') await respond({ text: 'You may not do that.', response_type: 'ephemeral' })
    else if (command.text === 'confirm') await respond({ text: 'Sure?', blocks: [row(button('Yes', 'confirm'))] })
    else if (command.text === 'menu') {
      const blocks = [{ type: 'actions' as const, elements: [menu, button('Go', 'go')] }]
      await client.chat.postMessage({ channel, text: 'Where?', blocks })
    } else if (command.text !== 'late') {
      const metadata = { event_type: 'job', event_payload: { id: '7' } }
      const text = `${command.text}: running`
      const { ts } = await client.chat.postMessage({ channel, text, blocks: card(text), metadata })
      const done = `${command.text}: done`
      await client.chat.update({ channel, ts: ts!, text: done, blocks: card(done) })
    }
  })
}

function takeClicks(app: App): void {
  app.action(/^cancel:/, async ({ ack, body, client }) => {
    await ack()
    if (body.type !== 'block_actions') return
    await client.chat.postMessage({ channel: body.channel!.id, thread_ts: body.message!.ts, text: 'Cancelled.' })
  })
  app.action('confirm', async ({ ack, respond }) => {
    await ack()
    await respond({ text: 'Confirmed.', replace_original: true })
  })
  app.action('menu', ({ ack }) => ack())
  app.action('go', async ({ ack, body, respond }) => {
    await ack()
    const states = body.type === 'block_actions' ? Object.values(body.state?.values ?? {}) : []
    await respond({ text: `to ${states[0]?.menu?.selected_option?.value}`, replace_original: true })
  })
}

function takeForms(app: App): void {
  app.options('node', async ({ ack, options }) => {
    const nodes = ['pve1', 'pve2'].filter((node) => node.startsWith(options.value))
    await ack({ options: nodes.map((node) => ({ text: plain(node), value: node })) })
  })
  app.view('create', async ({ ack, view, body, client }) => {
    const name = view.state.values.name?.value?.value ?? ''
    if (name.includes(' ')) return ack({ response_action: 'errors', errors: { name: 'No spaces.' } })
    if (name === 'update') return ack({ response_action: 'update', view: form('Once more') })
    if (name === 'push') return ack({ response_action: 'push', view: form('On top') })
    await ack()
    const node = view.state.values.node?.node?.selected_option?.value
    await client.chat.postMessage({ channel: body.user.id, text: `${name} on ${node}` })
  })
}

/** A small bot on the real Bolt, to prove the stand-in with; its first receiver belongs to the App, the others join it. */
export function sampleBot(slack: SlackStandIn, receivers: Receiver[]): SampleBot {
  const heard: string[] = []
  const errors: Error[] = []
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const options = { clientOptions: clientOptions(slack), logLevel: LogLevel.ERROR }
  const app = new App({ token: slack.botToken, receiver: receivers[0]!, ...options })
  for (const other of receivers.slice(1)) other.init(app)
  takeCommands(app, released)
  takeClicks(app)
  takeForms(app)
  app.event('app_mention', async ({ event, body, client, context }) => {
    heard.push(`${body.event_id}#${context.retryNum ?? 0}`)
    await client.chat.postMessage({ channel: event.channel, thread_ts: event.thread_ts ?? event.ts, text: 'Hello.' })
  })
  app.error(async (error) => void errors.push(error))
  return { errors, heard, letGo }
}

import { createHash } from 'node:crypto'
import { MessageFlags, type REST, Routes, ThreadAutoArchiveDuration } from 'discord.js'
import type { Language } from '../../core/language.ts'
import type { Message, State } from '../../core/message.ts'
import { Code, codeOf, type DeliveryErrors, forDelivery, isCode } from './errors.ts'
import { attachmentOf, markOf, type Rendered, render, renderShort } from './render.ts'
import { cut, plain } from './text.ts'
import type { InteractionTokens, Opening } from './tokens.ts'

interface Shown {
  key: string
  target: string
  thread?: string
  onlyTo?: string
  language?: Language
  message: Message
}

export interface CarrierPorts {
  /** With the bot's token; it must not retry by itself, nor wait for a rate limit. */
  rest: Pick<REST, 'get' | 'post' | 'patch' | 'delete'>
  applicationId: string
  tokens: InteractionTokens
  errors: DeliveryErrors
  /** Marks a card: nothing of it happened to a real cluster. */
  simulated?: ((card: { target: string; language?: Language }) => string | undefined) | undefined
  /** What a card says, for the name of its thread. */
  card(key: string): Promise<{ message: Message } | undefined>
}

type Body = Rendered & { nonce?: string; enforce_nonce?: boolean; message_reference?: object }

/** How far back a message whose answer was lost is looked for. */
const lookBack = 50
/** Begins the id of a message that one person alone was shown. */
const privately = 'ephemeral/'

const idOf = (target: string) => target.slice('discord:'.length)
const messageOf = (posted: string) => posted.slice(posted.indexOf('/') + 1)
const channelOf = (posted: string) => posted.slice(0, posted.indexOf('/'))

/**
 * Shows cards in Discord by the bot's token, `channel/message` being their id: posted once, edited in place for as
 * long as the message exists. Lines of a thread go into the thread that begins at the card's message; where no thread
 * can be made, they answer it. A refusal is shown to the asker alone while their interaction's token lives, and
 * takes the place of "is thinking…".
 */
export function discordCarrier(ports: CarrierPorts) {
  const { rest, tokens, errors } = ports
  const directMessages = new Map<string, string>()

  const call = async (work: () => Promise<string>): Promise<string> => {
    try {
      return await work()
    } catch (error) {
      throw forDelivery(error, errors)
    }
  }

  const drawn = (card: Shown) => render(card.message, card.key, ports.simulated?.(card))
  const short = (card: Shown, to: string | undefined) =>
    renderShort(card.message, card.key, to, ports.simulated?.(card))

  /** Sends it; what Discord's rules refuse after all is said in a few words instead. */
  async function send(card: Shown, body: Body, work: (body: Body) => Promise<unknown>): Promise<{ id: string }> {
    try {
      return (await work(body)) as { id: string }
    } catch (error) {
      if (!isCode(error, Code.invalidBody)) throw error
      return (await work({ ...body, ...short(card, undefined) })) as { id: string }
    }
  }

  const create = async (card: Shown, channel: string, body: Body): Promise<string> => {
    const { id } = await send(card, body, (body) =>
      rest.post(Routes.channelMessages(channel), { body, ...filesOf(card) }),
    )
    return `${channel}/${id}`
  }

  /** The message that carries this card's mark, should an earlier try have posted it. */
  async function find(card: Shown, channel: string): Promise<string | undefined> {
    const query = new URLSearchParams({ limit: String(lookBack) })
    const messages = (await rest.get(Routes.channelMessages(channel), { query })) as {
      id: string
      components?: { id?: number }[]
    }[]
    const found = messages.find(({ components }) => components?.[0]?.id === markOf(card.key))
    return found && `${channel}/${found.id}`
  }

  async function once(card: Shown, channel: string, body: Body, again: boolean): Promise<string> {
    const earlier = again ? await find(card, channel) : undefined
    return earlier ?? create(card, channel, body)
  }

  /** A target that is no channel may be a person: their direct messages. */
  async function inChannel(card: Shown, body: Body, again: boolean): Promise<string> {
    const target = idOf(card.target)
    const known = directMessages.get(target)
    try {
      return await once(card, known ?? target, body, again)
    } catch (error) {
      if (known !== undefined || !isCode(error, Code.unknownChannel)) throw error
      const channel = await rest.post(Routes.userChannels(), { body: { recipient_id: target } }).catch((refused) => {
        throw codeOf(refused) === undefined ? refused : error
      })
      const { id } = channel as { id: string }
      directMessages.set(target, id)
      return once(card, id, body, again)
    }
  }

  /** A thread that begins at a message has that message's id. */
  async function openThread(card: Shown, root: string): Promise<void> {
    const title = (await ports.card(card.thread!))?.message.title ?? card.message.title
    const name = cut(plain(title).replace(/\s+/g, ' ').trim(), 100) || 'Quorum'
    const body = { name, auto_archive_duration: ThreadAutoArchiveDuration.OneDay }
    try {
      await rest.post(Routes.threads(channelOf(root), messageOf(root)), { body })
    } catch (error) {
      if (!isCode(error, Code.threadExists)) throw error
    }
  }

  async function inThread(card: Shown, body: Body, again: boolean, root: string): Promise<string> {
    try {
      return await once(card, messageOf(root), body, again)
    } catch (error) {
      if (!isCode(error, Code.unknownChannel)) throw error
    }
    try {
      await openThread(card, root)
    } catch (error) {
      const cannot = [
        Code.missingPermissions,
        Code.missingAccess,
        Code.wrongChannelType,
        Code.tooManyThreads,
        Code.unknownMessage,
      ]
      if (!isCode(error, ...cannot)) throw error
      const answer = { message_id: messageOf(root), fail_if_not_exists: false }
      return once(card, channelOf(root), { ...body, message_reference: answer }, again)
    }
    return create(card, messageOf(root), body)
  }

  /** To the asker alone, by their interaction's token; undefined when it is worth nothing any more. */
  async function toOne(card: Shown, { kind, token }: Opening): Promise<string | undefined> {
    const { applicationId } = ports
    const body = drawn(card)
    try {
      const { id } = await send(card, body, (body) =>
        kind === 'reply'
          ? rest.patch(Routes.webhookMessage(applicationId, token), { body, auth: false })
          : rest.post(Routes.webhook(applicationId, token), {
              body: { ...body, flags: body.flags | MessageFlags.Ephemeral },
              query: new URLSearchParams({ wait: 'true' }),
              auth: false,
            }),
      )
      return `${privately}${id}`
    } catch (error) {
      const lost = [Code.unknownWebhook, Code.invalidToken, Code.unknownInteraction, Code.unknownMessage]
      if (isCode(error, ...lost)) return undefined
      throw error
    }
  }

  /** "Is thinking…" has been answered by a message that everybody sees. */
  function settle(card: Shown, { kind, token }: Opening): void {
    if (kind === 'update') return
    tokens.settled(card.key)
    rest.delete(Routes.webhookMessage(ports.applicationId, token), { auth: false }).catch(() => {})
  }

  async function openingOf(card: Shown): Promise<Opening | undefined> {
    const opening = tokens.find(card.key)
    return opening && (await opening.acknowledged) ? opening : undefined
  }

  /** `after`: the message that this one comes after, so that Discord does not take it for the same. */
  async function post(card: Shown, again: boolean, root: string | undefined, after = ''): Promise<string> {
    const opening = await openingOf(card)
    const alone = personOf(card)
    const shown = alone && opening ? await toOne(card, opening) : undefined
    if (shown !== undefined) return shown
    const rendered = alone ? short(card, alone) : drawn(card)
    const body = { ...rendered, nonce: nonceOf(card.key + after), enforce_nonce: true }
    const hasRoot = root !== undefined && !root.startsWith(privately)
    const posted = await (hasRoot ? inThread(card, body, again, root) : inChannel(card, body, again))
    if (opening) settle(card, opening)
    return posted
  }

  async function edit(card: Shown, posted: string, root: string | undefined): Promise<string> {
    const alone = personOf(card)
    if (posted.startsWith(privately)) return alone ? posted : post(card, false, root, posted)
    const route = Routes.channelMessage(channelOf(posted), messageOf(posted))
    const opening = alone ? await openingOf(card) : undefined
    const shown = opening && (await toOne(card, opening))
    if (shown === undefined) {
      await send(card, drawn(card), (body) => rest.patch(route, { body, ...filesOf(card) }))
      return posted
    }
    // It began for everybody ("reading…") and ends as a refusal, which is the asker's alone.
    await rest.delete(route).catch((error: unknown) => {
      if (!isCode(error, Code.unknownMessage)) throw error
    })
    return shown
  }

  return {
    platform: 'discord',
    /** Whether a card's state is only on the way to another: its edit may wait while final ones go. */
    passing: ({ message }: Shown) => passing.has(message.state),
    post: (card: Shown, again: boolean, root: string | undefined) => call(() => post(card, again, root)),
    edit: (card: Shown, posted: string, root: string | undefined) => call(() => edit(card, posted, root)),
  }
}

/** The picture that goes with a message. */
function filesOf({ message }: Shown) {
  const picture = attachmentOf(message)
  return picture ? { files: [picture] } : {}
}

const passing = new Set<State>(['queued', 'running', 'stale'])

const personOf = ({ onlyTo }: Shown) => (onlyTo?.startsWith('discord:') ? idOf(onlyTo) : undefined)

/** Discord makes one message of two posts with one nonce; it takes 25 characters. */
const nonceOf = (card: string): string => createHash('sha256').update(card).digest('base64url').slice(0, 25)

import { type Found, reason, type Say } from './speaking.ts'

/** What a platform has allowed the bot, and what the bot uses. */
export interface ChatRights {
  held: readonly string[]
  wanted: readonly string[]
}

/** `off`: no token is configured. `elsewhere`: another process holds the connection. */
export type ChatLook = 'off' | 'elsewhere' | (() => Promise<ChatRights>)

export interface ChatLooks {
  slack: ChatLook
  discord: ChatLook
}

export const chatChecks = (looks: ChatLooks, say: Say): Promise<Found[]> =>
  Promise.all((['slack', 'discord'] as const).map((platform) => chatCheck(platform, looks[platform], say)))

async function chatCheck(platform: 'slack' | 'discord', look: ChatLook, say: Say): Promise<Found> {
  const what = say(platform)
  if (look === 'off') return { what, verdict: 'pass', found: say('chatOff') }
  if (look === 'elsewhere') {
    return { what, verdict: 'unknown', found: say('chatUnknown', { why: say('chatNotHere') }), next: [say('chatAsk')] }
  }
  const fix = say(platform === 'slack' ? 'slackFix' : 'discordFix')
  try {
    const { held, wanted } = await look()
    const missing = wanted.filter((one) => !held.includes(one))
    if (missing.length === 0) return { what, verdict: 'pass', found: say('chatPass', { count: wanted.length }) }
    return { what, verdict: 'fail', found: say('chatMissing', { missing: missing.join(', ') }), next: [fix] }
  } catch (error) {
    return { what, verdict: 'unknown', found: say('chatUnknown', { why: reason(error) }), next: [fix] }
  }
}

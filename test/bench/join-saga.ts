import { Chat } from '../crew.ts'
import { type Figure, round } from './figures.ts'
import { cli, lineWith, type Stage } from './stage.ts'

const target = 10_000
const withinMs = 60_000
const lines = ['cluster create pvecluster first:pve1', 'cluster join pve2', 'cluster join pve3']

/** Three lone hosts of a lab become one cluster by three typed and confirmed commands; bot, worker and site are the lab's own. */
export async function measure(stage: Stage): Promise<Figure[]> {
  const args = [cli, 'lab', '--port', '0', '--scenario', 'empty', '--speed', '100']
  const lab = stage.spawn(args, { QUORUM_DATA: await stage.folder(), LOG_LEVEL: 'warn' })
  const url = /http:\S+/.exec(await lineWith(lab, '  Open  '))?.[0]
  if (url === undefined) throw new Error('the lab has no chat')
  const chat = new Chat(url)
  const details: Record<string, number> = {}
  const start = performance.now()
  for (const line of lines) {
    const began = performance.now()
    await carryOut(chat, line)
    details[line] = round(performance.now() - began)
  }
  const total = round(performance.now() - start)
  return [
    {
      name: 'join-saga',
      what: 'from typing `cluster create` until a member sees the third host vote, in a lab of three lone hosts at clock speed 100',
      unit: 'ms',
      samples: 1,
      measured: { total },
      floor: {},
      target: `total < ${target}`,
      holds: total < target,
      details,
    },
  ]
}

async function carryOut(chat: Chat, line: string): Promise<void> {
  const channel = line.replaceAll(/\W+/g, '-')
  await chat.say('admin', line, channel)
  const plan = await chat.card(({ state }) => state === 'waiting', `${line}: its plan`, channel, withinMs)
  await chat.click('admin', plan.id, 'confirm')
  const isEnd = (state: string) => ['ok', 'warning', 'failed'].includes(state)
  const end = await chat.card(
    ({ state }, { id }) => id === plan.id && isEnd(state),
    `${line}: its end`,
    channel,
    withinMs,
  )
  if (end.message.state === 'failed') throw new Error(`${line}: ${JSON.stringify(end.message.error)}`)
}

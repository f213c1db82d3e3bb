import { Chat } from '../crew.ts'
import { ChatStream } from './chat-stream.ts'
import { type Figure, named, percentiles } from './figures.ts'
import { cli, lineWith, type Stage } from './stage.ts'

const messages = 240
/** Not counted: the first of each kind loads code and connects. */
const warmUps = 12
const target = 300
const patienceMs = 20_000

/** What people type: two that are answered, one that orders a machine and so leaves a job working behind it. */
const lines: ((i: number) => string)[] = [
  () => '/pve vm list',
  () => '/pve vm show 9000',
  (i) => `/pve vm create name:bench-${i} disk:1G memory:512M`,
]

interface Sample {
  kind: string
  /** Milliseconds from sending the POST. */
  echoed: number
  answered: number
}

/**
 * Text in, first message out, on a whole `quorum lab`: simulator, bot and worker in processes of their own, this one
 * being the browser. The next line is sent when the last one has its first message; machines are made meanwhile.
 */
export async function measure(stage: Stage): Promise<Figure[]> {
  const lab = stage.spawn([cli, 'lab', '--port', '0'], { QUORUM_DATA: await stage.folder() })
  const url = /http:\S+/.exec(await lineWith(lab, 'Open '))?.[0] ?? ''
  const stream = await ChatStream.open(url, 'bench')
  stage.defer(async () => stream.close())
  const chat = new Chat(url)
  const known = new Set<string>()
  const samples: Sample[] = []
  for (let i = 0; i < warmUps + messages; i++) {
    const sample = await say({ chat, stream, known }, lines[i % lines.length]!(i))
    if (i >= warmUps) samples.push(sample)
  }
  const measured = percentiles(samples.map(({ answered }) => answered))
  return [
    {
      name: 'first-message',
      what: 'from POST /api/messages to the first state of the bot’s card in /api/stream, one line after another',
      unit: 'ms',
      samples: samples.length,
      measured,
      floor: named('own text echoed', percentiles(samples.map(({ echoed }) => echoed))),
      target: `p95 < ${target}`,
      holds: measured.p95 < target,
      details: byKind(samples),
    },
  ]
}

interface Browser {
  chat: Chat
  stream: ChatStream
  /** Cards that have been seen: machines in the making go on changing theirs. */
  known: Set<string>
}

async function say({ chat, stream, known }: Browser, line: string): Promise<Sample> {
  const start = performance.now()
  const posted = chat.say('operator', line, 'bench')
  const echo = await stream.next(
    ({ author, message }) => author === 'web:operator' && message.title === line,
    patienceMs,
  )
  await posted
  const card = await stream.next(({ author, id }) => author === 'quorum' && !known.has(id), patienceMs)
  known.add(card.listed.id)
  if (card.listed.message.error) throw new Error(`"${line}" was refused: ${card.listed.message.error.says}`)
  return { kind: line.split(' ').slice(1, 3).join(' '), echoed: echo.at - start, answered: card.at - start }
}

function byKind(samples: Sample[]): Record<string, unknown> {
  const kinds = [...new Set(samples.map(({ kind }) => kind))]
  return Object.fromEntries(
    kinds.map((kind) => [
      kind,
      percentiles(samples.filter((one) => one.kind === kind).map(({ answered }) => answered)),
    ]),
  )
}

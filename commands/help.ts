import { z } from 'zod'
import { arg, describeArg } from '../src/core/args.ts'
import type { Catalogue, Entry } from '../src/core/catalogue.ts'
import { answer, defineCommand } from '../src/core/command.ts'
import { Refused } from '../src/core/errors.ts'
import type { House } from '../src/core/house.ts'
import type { Language, Values } from '../src/core/language.ts'
import type { Field } from '../src/core/message.ts'
import { tokenize } from '../src/core/parse.ts'
import { wants } from '../src/core/refusal.ts'
import { holds, type Place, type Role, roles } from '../src/core/roles.ts'

/** What can be typed: by this person here, and who can do the rest; or everything about one command or group. */
export default defineCommand({
  role: 'anyone',
  risk: 'reads',
  cluster: false,
  args: z.object({ command: arg.command().optional() }),
  positionals: ['command'],
  text: {
    en: {
      summary: 'What you can type, and how',
      args: { command: 'A command or a group, such as vm create or vm; without it, everything' },
      words: {
        title: 'What you can type here',
        text: 'One command in detail: `help vm create`. What a command would do, also by hand, without doing it: add `--explain`.',
        group: 'Group',
        command: 'Command',
        about: 'About',
        commands: 'Commands',
        needs: 'With the role {role}',
        holders: '{commands} (ask: {who})',
        usage: '/pve {usage}',
        argument: 'Argument',
        wants: 'Wants',
        fallback: 'If left out',
        required: 'required',
        optional: '-',
        risk: 'What it does',
        reads: 'only reads',
        changes: 'changes something; shows its plan and begins at once',
        endangers: 'can interrupt what runs; wants a confirmation first',
        destroys: 'destroys something; wants a confirmation and the approval of another person',
        anyone: 'none: everyone may',
        cannot: '{role}; you do not have it here. Ask: {who}',
        also: 'Also as',
        drill: 'breaks something on purpose; wants a confirmation and the approval of another person',
        access: 'gives or takes rights; wants a confirmation and the approval of another person',
        pools: 'Roles limited to pools',
        poolsNone: 'do not reach it',
        poolsShown: 'reach it; it then shows only what lies in those pools',
        poolsWhere: 'reach it where {args} lies in those pools',
        inPools: 'only in the pools {pools}: {role}',
      },
      refusals: {
        'unknown-command': { says: '"{given}" is no command and no group.', hint: 'help' },
        'unknown-command-near': { says: '"{given}" is no command. Did you mean {near}?', hint: 'help {first}' },
      },
    },
    es: {
      summary: 'Qué puedes escribir, y cómo',
      args: { command: 'Un comando o un grupo, como vm create o vm; sin él, todo' },
      words: {
        title: 'Lo que puedes escribir aquí',
        text: 'Un comando en detalle: `help vm create`. Lo que haría un comando, también a mano, sin hacerlo: agrega `--explain`.',
        group: 'Grupo',
        command: 'Comando',
        about: 'De qué trata',
        commands: 'Comandos',
        needs: 'Con el rol {role}',
        holders: '{commands} (pídeselo a: {who})',
        usage: '/pve {usage}',
        argument: 'Argumento',
        wants: 'Espera',
        fallback: 'Si falta',
        required: 'obligatorio',
        optional: '-',
        risk: 'Qué hace',
        reads: 'solo lee',
        changes: 'cambia algo; muestra su plan y empieza de inmediato',
        endangers: 'puede interrumpir lo que corre; antes pide confirmación',
        destroys: 'destruye algo; pide confirmación y la aprobación de otra persona',
        anyone: 'ninguno: cualquiera puede',
        cannot: '{role}; aquí no lo tienes. Pídeselo a: {who}',
        also: 'También como',
        drill: 'rompe algo a propósito; pide confirmación y la aprobación de otra persona',
        access: 'da o quita derechos; pide confirmación y la aprobación de otra persona',
        pools: 'Roles limitados a pools',
        poolsNone: 'no lo alcanzan',
        poolsShown: 'lo alcanzan; entonces muestra solo lo que hay en esos pools',
        poolsWhere: 'lo alcanzan donde {args} está en esos pools',
        inPools: 'solo en los pools {pools}: {role}',
      },
      refusals: {
        'unknown-command': { says: '«{given}» no es un comando ni un grupo.', hint: 'help' },
        'unknown-command-near': { says: '«{given}» no es un comando. ¿Quisiste decir {near}?', hint: 'help {first}' },
      },
    },
  },
  examples: [
    { say: 'help', answers: true },
    { say: 'help vm create', answers: true },
    { say: 'help vm', answers: true },
    { say: 'help vm creat', refuses: 'unknown-command-near' },
  ],
  async plan({ args, asker, cluster, channel, say, house }) {
    const place = { cluster: cluster || undefined, channel }
    const limited = await Promise.all(roles.map((role) => house.access.poolsOf(asker.identity, place, role)))
    const inPools = new Map(roles.map((role, i) => [role, limited[i]!]))
    const words = { say: say as Say, language: asker.language, house, place, role: asker.role, inPools }
    if (args.command === undefined) return answer(overview(words))
    const asked = tokenize(args.command.replace(/^\/?(?:pve\s+)?/i, ''))
    const typed = asked.map(({ text }) => text.toLowerCase()).join(' ')
    const group = house.catalogue.groups.get(typed)
    if (group) return answer(aboutGroup(typed, words))
    const found = house.catalogue.find(asked)
    if (found && 'entry' in found) return answer(aboutCommand(found.entry, words))
    const near = found?.near ?? []
    const given = typed.slice(0, 80)
    if (near.length === 0) throw new Refused('unknown-command', { given })
    throw new Refused('unknown-command-near', { given, near: near.join(', '), first: near[0] })
  },
})

type Say = (key: string, values?: Values) => string
interface Words {
  say: Say
  language: Language
  house: House
  place: Place
  role: Role | undefined
  /** For each role, the pools in which the asker holds it and nowhere else. */
  inPools: ReadonlyMap<Role, readonly string[]>
}

/** Whether the asker may run it here, at least in some pools. */
const may = ({ command }: Entry, { role, inPools }: Words): boolean =>
  holds(role, command.role) || poolsFor(command, inPools).length > 0

const poolsFor = ({ role, pools }: Entry['command'], inPools: Words['inPools']): readonly string[] =>
  pools === undefined || role === 'anyone' ? [] : (inPools.get(role) ?? [])

/** One row for each group and each lone command with what this role may run; the rest below, by the role it needs. */
function overview(words: Words) {
  const { say, language, house, place, role, inPools } = words
  const { catalogue } = house
  const open = catalogue.entries.filter((entry) => may(entry, words))
  const lone = open.filter(({ group }) => group === undefined)
  const groups = [...new Set(open.flatMap(({ group }) => group ?? []))].sort()
  const rows = [
    ...lone.map(({ path, command }) => [path, command.text[language].summary, '']),
    ...groups.map((group) => [group, summaryOf(catalogue, group, language), verbs(open, group).join(', ')]),
  ]
  const rest = roles
    .filter((needed) => !holds(role, needed))
    .flatMap((needed): Field[] => {
      const closed = catalogue.entries.filter((entry) => entry.command.role === needed && !may(entry, words))
      const paths = closed.map(({ path }) => path)
      if (paths.length === 0) return []
      const who = house.access.whoMay(needed, place).join(', ') || house.words[language].say.none
      const value = say('holders', { commands: paths.join(', '), who })
      return [{ name: say('needs', { role: house.words[language].roles[needed] }), value }]
    })
  const [limited] = [...inPools].filter(([needed, pools]) => !holds(role, needed) && pools.length > 0).reverse()
  const limits = limited === undefined ? [] : [{ name: say('pools'), value: poolLine(...limited, words) }]
  const fields = [...limits, ...rest]
  return {
    title: say('title'),
    text: say('text'),
    table: { columns: [say('command'), say('about'), say('commands')], rows },
    ...(fields.length > 0 ? { fields } : {}),
  }
}

const summaryOf = (catalogue: Catalogue, group: string, language: Language) =>
  catalogue.groups.get(group)?.text[language].summary ?? ''

const verbs = (entries: readonly Entry[], group: string) =>
  entries.filter((entry) => entry.group === group).map(({ path }) => path.slice(group.length + 1))

function aboutGroup(group: string, { say, language, house }: Words) {
  const { labels, roles: names } = house.words[language]
  const entries = house.catalogue.entries.filter((entry) => entry.group === group)
  return {
    title: `${say('group')} ${group}: ${summaryOf(house.catalogue, group, language)}`,
    text: say('text'),
    table: {
      columns: [say('command'), say('about'), labels.role],
      rows: entries.map(({ path, command }) => [
        path,
        command.text[language].summary,
        command.role === 'anyone' ? say('anyone') : names[command.role],
      ]),
    },
  }
}

function aboutCommand(entry: Entry, words: Words) {
  const { say, language, house } = words
  const { command, path } = entry
  const shared = house.words[language]
  const text = command.text[language]
  const shape = Object.entries(command.args.shape).map(
    ([name, schema]) => [name, describeArg(schema as z.ZodType)] as const,
  )
  const usage = shape.map(([name, { required, kind }]) => {
    const isPositional = command.positionals?.includes(name as never) ?? false
    const typed = isPositional
      ? name.toUpperCase()
      : kind === 'boolean'
        ? `${name}:true`
        : `${name}:${kind.toUpperCase()}`
    return required ? typed : `[${typed}]`
  })
  const also = house.catalogue.entries.filter((other) => other.file === entry.file && other.path !== path)
  // Those that are refused teach in the tests; people want to see what works.
  const working = command.examples.filter(({ refuses }) => refuses === undefined)
  const shown = working.length > 0 ? working : command.examples
  const examples = shown.map(({ say: line }) => line.replace(entry.file, path))
  return {
    title: text.summary,
    fields: [
      { name: shared.say.usage, value: say('usage', { usage: [path, ...usage].join(' ') }) },
      { name: say('risk'), value: riskLine(command, say) },
      { name: shared.labels.role, value: roleLine(entry, words) },
      ...(house.access.knowsPools && command.role !== 'anyone'
        ? [{ name: say('pools'), value: poolsLine(command.pools, say) }]
        : []),
      ...(also.length > 0 ? [{ name: say('also'), value: also.map((other) => other.path).join(', ') }] : []),
      { name: shared.say.examples, value: [...new Set(examples)].join('\n') },
    ],
    ...(shape.length === 0
      ? {}
      : {
          table: {
            columns: [say('argument'), say('about'), say('wants'), say('fallback')],
            rows: shape.map(([name, facts]) => [
              name,
              (text.args as Record<string, string>)[name] ?? '',
              wants(shared, { kind: facts.kind, min: facts.min, max: facts.max, options: facts.options?.join(', ') }),
              facts.required ? say('required') : (facts.default ?? say('optional')),
            ]),
          },
        }),
  }
}

const poolLine = (role: Role, pools: readonly string[], { say, language, house }: Words): string =>
  say('inPools', { pools: pools.join(', '), role: house.words[language].roles[role] })

function riskLine({ risk, approval }: Entry['command'], say: Say): string {
  if (approval === undefined) return say(risk)
  return `${say(risk)}; ${approval === 'drill' ? say('drill') : say('access')}`
}

function poolsLine(pools: Entry['command']['pools'], say: Say): string {
  if (pools === undefined) return say('poolsNone')
  return pools === 'shown' ? say('poolsShown') : say('poolsWhere', { args: pools.map((name) => `${name}:`).join(', ') })
}

function roleLine({ command }: Entry, words: Words): string {
  const { say, language, house, place, role, inPools } = words
  const shared = house.words[language]
  if (command.role === 'anyone') return say('anyone')
  const name = shared.roles[command.role]
  if (holds(role, command.role)) return name
  const pools = poolsFor(command, inPools)
  if (pools.length > 0) return poolLine(command.role, pools, words)
  const who = house.access.whoMay(command.role, place).join(', ') || shared.say.none
  return say('cannot', { role: name, who })
}

import { z } from 'zod'
import { arg } from '../src/core/args.ts'
import { answer, defineCommand } from '../src/core/command.ts'
import { type Check, type Verdict, worstOf } from '../src/core/doctor.ts'
import type { State } from '../src/core/message.ts'

/** More would be a wall; the shell's `quorum doctor` prints them all. */
const mostNext = 8

/** Everything that Quorum stands on, in one table: what is wrong, and the line that puts it right. */
export default defineCommand({
  role: 'admin',
  risk: 'reads',
  cluster: false,
  args: z.object({ show: arg.choice(['summary', 'all']).default('summary') }),
  text: {
    en: {
      summary: 'Check everything: configuration, Redis, chat, each Proxmox endpoint, rights for every command',
      args: { show: 'all: a line for each command; summary: commands that are well stand together' },
      words: {
        pass: 'Everything that was looked at is well',
        unknown: 'Nothing wrong was found; not known: {unknown}',
        warn: 'Worth a look: {warn}; wrong: none; not known: {unknown}',
        fail: 'Wrong: {fail}; worth a look: {warn}; not known: {unknown}',
        check: 'Check',
        found: 'Found',
        commands: '{count} commands',
        next: 'Next: {what}',
        more: 'More',
        moreText: 'there are {count} more with a next step; the shell prints all: quorum doctor',
      },
    },
    es: {
      summary: 'Revisar todo: configuración, Redis, chat, cada acceso a Proxmox, permisos para cada comando',
      args: { show: 'all: una línea por comando; summary: los comandos que están bien van juntos' },
      words: {
        pass: 'Todo lo que se miró está bien',
        unknown: 'No se encontró nada malo; no se sabe: {unknown}',
        warn: 'Conviene mirar: {warn}; fallas: ninguna; no se sabe: {unknown}',
        fail: 'Fallas: {fail}; conviene mirar: {warn}; no se sabe: {unknown}',
        check: 'Revisión',
        found: 'Resultado',
        commands: '{count} comandos',
        next: 'Sigue: {what}',
        more: 'Más',
        moreText: 'hay {count} más con un siguiente paso; la consola los muestra todos: quorum doctor',
      },
    },
  },
  examples: [
    { say: 'doctor', answers: true },
    { say: 'doctor show:all', answers: true },
  ],
  async plan({ args, cluster, asker, house, say, signal }) {
    const { labels, verdicts } = house.words[asker.language]
    const clusters = cluster === '' ? {} : { clusters: [cluster] }
    const all = await house.doctor.examine({ language: asker.language, ...clusters, signal })
    const checks = args.show === 'all' ? all : together(all, (count) => say('commands', { count }))
    const count = (verdict: Verdict) => all.filter((check) => check.verdict === verdict).length
    const worst = worstOf(all)
    const wanting = merged(checks).filter(({ next }) => next.length > 0)
    return answer({
      title: say(worst, { fail: count('fail'), warn: count('warn'), unknown: count('unknown') }),
      state: states[worst],
      table: {
        columns: [say('check'), labels.status, say('found')],
        rows: checks.map(({ cluster, what, verdict, found }) => [
          cluster === undefined ? what : `${cluster}: ${what}`,
          verdicts[verdict],
          found,
        ]),
      },
      fields: [
        ...wanting
          .slice(0, mostNext)
          .map(({ what, next }) => ({ name: say('next', { what }), value: next.join('\n') })),
        ...(wanting.length > mostNext
          ? [{ name: say('more'), value: say('moreText', { count: wanting.length - mostNext }) }]
          : []),
      ],
    })
  },
})

const states: Record<Verdict, State> = { pass: 'ok', unknown: 'info', warn: 'warning', fail: 'failed' }

/** Commands of one cluster with nothing to do about them stand in one row for each verdict. */
function together(checks: readonly Check[], name: (count: number) => string): Check[] {
  const groups = new Map<string, Check[]>()
  for (const check of checks) {
    const isQuiet = check.area === 'command' && check.next.length === 0
    const key = isQuiet ? `${check.cluster} ${check.verdict}` : String(groups.size)
    groups.set(key, [...(groups.get(key) ?? []), check])
  }
  return [...groups.values()].map((group) =>
    group.length === 1
      ? group[0]!
      : { ...group[0]!, what: name(group.length), found: group.map(({ what }) => what).join(', ') },
  )
}

/** One next step for all that it puts right. */
function merged(checks: readonly Check[]): { what: string; next: readonly string[] }[] {
  const steps = new Map<string, { what: string[]; next: readonly string[] }>()
  for (const { what, next } of checks) {
    const key = next.join('\n')
    steps.set(key, { what: [...(steps.get(key)?.what ?? []), what], next })
  }
  return [...steps.values()].map(({ what, next }) => ({ what: [...new Set(what)].join(', '), next }))
}

import { z } from 'zod'
import { readSite } from '../../src/blueprint/site.ts'
import { stepsOf } from '../../src/blueprint/steps.ts'
import { count, findBlueprint, shortName } from '../../src/blueprint/telling.ts'
import { arg } from '../../src/core/args.ts'
import { type Blueprint, secondsOf } from '../../src/core/blueprint.ts'
import { answer, defineCommand, run } from '../../src/core/command.ts'
import { drillFacts } from '../../src/core/drill-facts.ts'
import { tellGate } from '../../src/core/drill-gate.ts'
import { Refused } from '../../src/core/errors.ts'
import { findNode } from '../../src/core/find.ts'
import { sidOf, someNode } from '../../src/core/ha.ts'
import { reads } from '../../src/core/needs.ts'
import { decidedOnDrill, drillPlanOf } from '../../src/ha/drill-plan.ts'
import { can } from '../../workers/blueprint-apply.ts'
import blueprintValidate, { fieldOf } from '../../workers/blueprint-validate.ts'

type Wanted = Blueprint['validate'][number]

/** Proves that a site does as its blueprint says: by the drills that the file names, on a site that lacks nothing of it. */
export default defineCommand({
  role: 'operator',
  risk: 'endangers',
  approval: 'drill',
  // No example stands on a site that lacks nothing of its blueprint.
  workers: [blueprintValidate],
  needs: [reads.cluster, reads.guests, reads.nodes, reads.storages],
  args: z.object({ file: arg.text() }),
  positionals: ['file'],
  text: {
    en: {
      summary: 'Run the drills that a blueprint names, and say whether the site passed',
      args: { file: 'Its file in the folder of blueprints: azuay' },
      words: {
        title: 'Validate blueprint {file} (drills: {count})',
        drill: '{node} goes ({kind})',
        wanted: '{name} on {to}',
        within: 'within {within}: {what}',
        runs: 'the cluster as foretold',
        none: 'Blueprint {file} names nothing to validate',
        noneText:
          'A drill is one line: validate: [{ drill: shutdown, node: pve1, expect: { 100: pve2 }, within: 180s }]',
        other: '{node} goes: the blueprint expects {name} on {to}; foretold is {foretold}. See: impact {node}',
        stays: 'that it goes nowhere',
        click: '{drill}: select node {node}, then Shutdown; watch Datacenter → HA; start the node again by hand',
      },
      refusals: {
        'not-as-planned': {
          says: 'The site is not as blueprint {file} says: {todo} steps to do, {never} not possible. What is not there cannot be proved.',
          hint: 'blueprint plan {file}',
        },
        'validate-closed': {
          says: 'The drill on {node} cannot be run yet:\n{gates}',
          hint: 'drill plan {node} kind:{kind}',
        },
      },
    },
    es: {
      summary: 'Correr los simulacros que nombra un plano y decir si el sitio aprueba',
      args: { file: 'Su archivo en la carpeta de planos: azuay' },
      words: {
        title: 'Validar el plano {file} (simulacros: {count})',
        drill: 'se va {node} ({kind})',
        wanted: '{name} en {to}',
        within: 'en {within}: {what}',
        runs: 'el clúster como se predice',
        none: 'El plano {file} no nombra nada que validar',
        noneText:
          'Un simulacro es una línea: validate: [{ drill: shutdown, node: pve1, expect: { 100: pve2 }, within: 180s }]',
        other: 'Se va {node}: el plano espera a {name} en {to}; se predice {foretold}. Mira: impact {node}',
        stays: 'que no se va a ningún lado',
        click:
          '{drill}: selecciona el nodo {node}, luego Shutdown; mira Datacenter → HA; enciende el nodo otra vez a mano',
      },
      refusals: {
        'not-as-planned': {
          says: 'El sitio no está como dice el plano {file}: {todo} pasos por hacer, {never} no se pueden. Lo que no está no se puede probar.',
          hint: 'blueprint plan {file}',
        },
        'validate-closed': {
          says: 'El simulacro en {node} todavía no se puede correr:\n{gates}',
          hint: 'drill plan {node} kind:{kind}',
        },
      },
    },
  },
  examples: [
    { say: 'blueprint validate azuay', refuses: 'not-as-planned' },
    { say: 'blueprint validate nowhere', refuses: 'blueprint-unknown' },
  ],
  async plan({ args, proxmox, cluster, say, house, asker, signal }) {
    const words = house.words[asker.language]
    const file = shortName(args.file)
    const blueprint = await findBlueprint(house.blueprints, file, words)
    if (blueprint.validate.length === 0)
      return answer({ title: say('none', { file }), text: say('noneText'), state: 'warning' })
    const site = await readSite(proxmox, blueprint, signal)
    const steps = stepsOf(blueprint, site, { can, hosts: house.hosts.map(({ name }) => name) })
    const [todo, never] = [count(steps, 'todo'), count(steps, 'never')]
    if (todo + never > 0) throw new Refused('not-as-planned', { file, todo, never })
    const looks = await Promise.all(blueprint.validate.map(lookAt))
    return run(blueprintValidate.job({ name: file, drills: looks.map(({ drill }) => drill) }), {
      title: say('title', { file, count: looks.length }),
      // One that none of the drills takes away, where there is one.
      node:
        site.ha.nodes.find(({ name, status }) => status === 'online' && looks.every(({ node }) => node !== name))
          ?.name ?? someNode(site.ha),
      shows: looks.map(({ drill: { title, expect }, wanted: { within } }, i) => {
        const what = expect.map(({ name, to }) => say('wanted', { name, to })).join(', ') || say('runs')
        return { name: fieldOf(title, i), value: say('within', { within, what }) }
      }),
      warnings: looks.flatMap(({ warnings }) => warnings),
      explain: {
        shell: looks.flatMap(({ node }) => [
          `pvesh create /nodes/${node}/status --command shutdown`,
          'ha-manager status',
        ]),
        clicks: looks.map(({ node, drill: { title } }) => say('click', { drill: title, node })),
      },
      state: looks.map(({ decided }) => decided),
    })

    async function lookAt(wanted: Wanted) {
      const { drill: said, impact } = words.ha
      const node = findNode(site.ha.nodes, wanted.node, cluster).name
      const facts = await drillFacts(proxmox, { house, cluster, node, signal })
      const expected = Object.entries(wanted.expect)
      const order = { node, kind: wanted.drill, accept: [], expectsNothing: expected.length === 0 }
      const plan = drillPlanOf(facts, order)
      const told = (verdict: 'fail' | 'warn') =>
        plan.gates.filter((gate) => gate.verdict === verdict).map((gate) => tellGate(gate, node, said))
      const closed = told('fail')
      if (closed.length > 0) {
        throw new Refused('validate-closed', { node, kind: wanted.drill, gates: closed.join('\n') })
      }
      const expect = expected.map(([number, to]) => {
        const guest = site.ha.guests.find(({ vmid }) => vmid === Number(number))
        return { sid: guest ? sidOf(guest) : `vm:${number}`, name: guest?.name ?? number, to }
      })
      const others = expect.flatMap(({ sid, name, to }) => {
        const fate = plan.impact.fates.find((one) => one.sid === sid)
        return fate?.to === to ? [] : [say('other', { node, name, to, foretold: fate?.to ?? say('stays') })]
      })
      const title = say('drill', { node, kind: impact.kinds[wanted.drill] })
      const drill = { title, drill: order, within: secondsOf(wanted.within), expect }
      return { node, wanted, drill, warnings: [...others, ...told('warn')], decided: decidedOnDrill(plan) }
    }
  },
})

import { z } from 'zod'
import { answer, defineCommand } from '../src/core/command.ts'
import { holds, roles } from '../src/core/roles.ts'

/** Who the asker is to Quorum, and what that allows here. Also for people who have no role yet. */
export default defineCommand({
  role: 'anyone',
  risk: 'reads',
  cluster: false,
  args: z.object({}),
  text: {
    en: {
      summary: 'Who you are to Quorum, and which role you have here',
      args: {},
      words: {
        title: 'You are {identity}',
        titleKnown: 'You are {person} ({identity})',
        identity: 'Identity',
        person: 'Person',
        nobody: 'not named in the configuration; approvals and on-call count you by this identity alone',
        noRole: 'none: you may ask `help`, `whoami` and `language`',
        inPools: 'Only in pools',
        language: 'Language',
        languageValue: '{language}; change it with `language es`',
        tz: 'Time zone',
        noCluster: 'none is tied to this channel: give `cluster:NAME` ({clusters})',
        gives: 'Who gives roles',
        givesValue: 'Whoever runs Quorum, under `roles:` in quorum.yaml. Ask one of: {admins}',
        givesNobody:
          'Whoever runs Quorum, under `roles:` in quorum.yaml, with this line: - { role: viewer, who: ["{identity}"] }',
      },
    },
    es: {
      summary: 'Quién eres para Quorum y qué rol tienes aquí',
      args: {},
      words: {
        title: 'Eres {identity}',
        titleKnown: 'Eres {person} ({identity})',
        identity: 'Identidad',
        person: 'Persona',
        nobody: 'no está en la configuración; para aprobaciones y guardias cuentas solo con esta identidad',
        noRole: 'ninguno: puedes pedir `help`, `whoami` y `language`',
        inPools: 'Solo en pools',
        language: 'Idioma',
        languageValue: '{language}; para cambiarlo: `language en`',
        tz: 'Zona horaria',
        noCluster: 'ninguno está ligado a este canal: indica `cluster:NAME` ({clusters})',
        gives: 'Quién da los roles',
        givesValue: 'Quien administra Quorum, bajo `roles:` en quorum.yaml. Pídeselo a: {admins}',
        givesNobody:
          'Quien administra Quorum, bajo `roles:` en quorum.yaml, con esta línea: - { role: viewer, who: ["{identity}"] }',
      },
    },
  },
  examples: [{ say: 'whoami', answers: true }],
  async plan({ asker, cluster, channel, say, house }) {
    const { labels, roles: names } = house.words[asker.language]
    const { identity, role, language, tz } = asker
    const person = house.access.person(identity)
    const place = { cluster: cluster || undefined, channel }
    const admins = house.access.whoMay('admin', place)
    const limited = await Promise.all(roles.map((role) => house.access.poolsOf(identity, place, role)))
    // Of the roles that somebody holds in a pool, the highest tells.
    const inPools = roles.flatMap((role, i) => {
      const pools = limited[i]!.filter((pool) => !limited[i + 1]?.includes(pool))
      return holds(asker.role, role) || pools.length === 0 ? [] : [`${names[role]}: ${pools.join(', ')}`]
    })
    return answer({
      title: person ? say('titleKnown', { person: person.name, identity }) : say('title', { identity }),
      fields: [
        { name: say('identity'), value: (person?.ids ?? [identity]).join(', ') },
        { name: say('person'), value: person?.name ?? say('nobody') },
        { name: labels.role, value: role === undefined ? say('noRole') : names[role] },
        ...(inPools.length > 0 ? [{ name: say('inPools'), value: inPools.join('\n') }] : []),
        { name: labels.cluster, value: cluster || say('noCluster', { clusters: house.clusters.join(', ') }) },
        { name: say('language'), value: say('languageValue', { language }) },
        { name: say('tz'), value: tz },
        {
          name: say('gives'),
          value:
            admins.length > 0 ? say('givesValue', { admins: admins.join(', ') }) : say('givesNobody', { identity }),
        },
      ],
    })
  },
})

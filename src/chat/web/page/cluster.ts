import type { VNode } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { Bar, percentText } from './bar.ts'
import { ErrorPart } from './error-part.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { NodeCard } from './node-card.ts'
import { usePage } from './page-context.ts'
import { Segments } from './sidebar.ts'
import { useGuestMoves } from './use-guest-moves.ts'
import type { LabView } from './use-lab.ts'
import type { Lab, LabTask } from './wire.ts'

/** The living picture of the simulated cluster, with the switches of its hardware. */
export function Cluster({ view }: { view: LabView }): VNode {
  const { words } = usePage()
  const { lab, link, fault, order } = view
  return html`<section class="cluster ${link === 'lost' ? 'old' : ''}" aria-label=${words.cluster}>
    <p class="simulated"><strong>${words.simulated}</strong>${lab && html`<span>${words.scenario} ${lab.scenario}</span>`}</p>
    ${link === 'lost' && html`<p class="line-note" role="status"><${Icon} name="stale" />${words.labLost}</p>`}
    ${fault && html`<${ErrorPart} error=${fault} alert=${true} />`}
    ${lab && html`<${Quorum} lab=${lab} /><${Picture} lab=${lab} order=${order} /><${Tasks} tasks=${lab.tasks} /><${Controls} lab=${lab} order=${order} />`}
  </section>`
}

interface PictureProps {
  lab: Lab
  order: LabView['order']
}

function Quorum({ lab }: { lab: Lab }): VNode {
  const { words } = usePage()
  const votes = lab.nodes.reduce((sum, node) => sum + node.votes, 0)
  const present = lab.nodes.filter((node) => node.online).reduce((sum, node) => sum + node.votes, 0)
  const lone = lab.quorate === null || votes === 0
  const [icon, says] = lone
    ? (['info', words.noCluster] as const)
    : lab.quorate
      ? (['ok', words.quorumKept] as const)
      : (['failed', words.quorumLost] as const)
  return html`<p class="quorum state-${icon}">
    <${Icon} name=${icon} /><strong>${says}</strong>
    ${!lone && html`<span class="votes">${words.votesOf(present, votes)}</span>`}
  </p>`
}

function Picture({ lab, order }: PictureProps): VNode {
  const picture = useRef<HTMLDivElement>(null)
  useGuestMoves(picture)
  return html`<div class="picture-of-nodes" ref=${picture}>
    ${lab.nodes.map((node) => html`<${NodeCard} key=${node.name} node=${node} lab=${lab} order=${order} />`)}
  </div>`
}

function Tasks({ tasks }: { tasks: LabTask[] }): VNode {
  const { words, language } = usePage()
  const running = tasks.filter((task) => task.status === 'running')
  const row = ({ upid, percent }: LabTask) => {
    const { node, type, id } = parseUpid(upid)
    const name = [type, id].filter(Boolean).join(' ')
    return html`<li key=${upid}>
      <span class="task-name">${name}</span><span class="task-node">${node}</span>
      <${Bar} label=${name} percent=${percent} /><span class="percent">${percentText(percent, language)}</span>
    </li>`
  }
  return html`<div class="tasks">
    <h3>${words.tasks}</h3>
    ${running.length === 0 ? html`<p class="none">${words.noTasks}</p>` : html`<ul>${running.map(row)}</ul>`}
  </div>`
}

/** `UPID:node:pid:pstart:starttime:type:id:user:`, as Proxmox writes it. */
function parseUpid(upid: string): { node: string; type: string; id: string } {
  const [, node = '', , , , type = upid, id = ''] = upid.split(':')
  return { node, type, id }
}

const speeds = [1, 10, 50]
const scenarios = ['cluster', 'empty', 'azuay']

function Controls({ lab, order }: PictureProps): VNode {
  const { words } = usePage()
  return html`<div class="controls">
    <div class="clock"><span class="segments-label">${words.clock}</span><${Clock} now=${lab.clock.now} /></div>
    <${Segments} label=${words.speed} value=${String(lab.clock.speed)} onChange=${(speed: string) => order('clock', { speed: Number(speed) })}
      options=${speeds.map((speed) => ({ value: String(speed), label: `${speed}×` }))} />
    <${Reset} scenario=${lab.scenario} order=${order} />
  </div>`
}

const clockFormat = {
  day: 'numeric',
  month: 'short',
  hour: 'numeric',
  minute: '2-digit',
  second: '2-digit',
} as const

/** Milliseconds, seconds or ISO 8601. */
function Clock({ now }: { now: string | number }): VNode {
  const { language } = usePage()
  const date = new Date(typeof now === 'number' && now < 1e11 ? now * 1000 : now)
  const text = Number.isNaN(date.getTime()) ? '–' : date.toLocaleString(language, clockFormat)
  return html`<output class="now">${text}</output>`
}

function Reset({ scenario, order }: { scenario: string; order: LabView['order'] }): VNode {
  const { words } = usePage()
  const [chosen, setChosen] = useState<string>()
  const [asking, setAsking] = useState(false)
  const wanted = chosen ?? scenario
  const reset = () => {
    setAsking(false)
    order('reset', { scenario: wanted })
  }
  return html`<div class="reset" role="group" aria-label=${words.reset}>
    <select aria-label=${words.scenario} value=${wanted} onChange=${(event: Event) => setChosen((event.currentTarget as HTMLSelectElement).value)}>
      ${[...new Set([scenario, ...scenarios])].map((name) => html`<option value=${name} selected=${name === wanted}>${name}</option>`)}
    </select>
    ${
      asking
        ? html`<span class="sure" role="alert">${words.resetSure}</span>
            <button type="button" class="button danger" onClick=${reset}>${words.resetYes}</button>
            <button type="button" class="button" onClick=${() => setAsking(false)}>${words.cancel}</button>`
        : html`<button type="button" class="button" onClick=${() => setAsking(true)}>${words.reset}</button>`
    }
  </div>`
}

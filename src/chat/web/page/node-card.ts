import type { VNode } from 'preact'
import { html } from './html.ts'
import { Icon, type IconName } from './icons.ts'
import { usePage } from './page-context.ts'
import type { LabView } from './use-lab.ts'
import type { Lab, LabGuest, LabNode, LabStorage } from './wire.ts'
import type { Words } from './words.ts'

interface NodeCardProps {
  node: LabNode
  lab: Lab
  order: LabView['order']
}

export function NodeCard({ node, lab, order }: NodeCardProps): VNode {
  const { words } = usePage()
  const guests = lab.guests.filter((guest) => guest.node === node.name).sort((a, b) => a.vmid - b.vmid)
  const storages = lab.storages.filter((storage) => !storage.nodes || storage.nodes.includes(node.name))
  const [icon, says] = condition(node, words)
  return html`<article class="node state-${icon}" data-node=${node.name} aria-label=${node.name}>
    <header><h3>${node.name}</h3><span class="condition"><${Icon} name=${icon} />${says}</span></header>
    <p class="votes">${words.votes(node.votes)} · ${isQuorate(node, lab) ? words.quorate : words.notQuorate}</p>
    <ul class="guests" aria-label=${words.guests}>
      ${guests.map((guest) => html`<${Guest} key=${guest.sid} guest=${guest} />`)}
      ${guests.length === 0 && html`<li class="none">${words.noGuests}</li>`}
    </ul>
    <ul class="storages" aria-label=${words.storages}>${storages.map((storage) => html`<${Storage} key=${storage.storage} storage=${storage} />`)}</ul>
    <${Switches} node=${node} order=${order} />
  </article>`
}

function condition(node: LabNode, words: Words): [IconName, string] {
  if (node.power === 'off') return ['refused', words.poweredOff]
  if (node.network === 'cut') return ['warning', words.networkCut]
  return node.online ? ['ok', words.online] : ['failed', words.offline]
}

function isQuorate(node: LabNode, lab: Lab): boolean {
  return node.quorate ?? (node.power === 'on' && node.network === 'up' && node.online && lab.quorate === true)
}

function Guest({ guest }: { guest: LabGuest }): VNode {
  const { words } = usePage()
  const ha = typeof guest.ha === 'string' ? guest.ha : guest.ha?.state
  const status = guest.template ? 'template' : guest.status
  const icons: Record<string, IconName> = {
    running: 'play',
    stopped: 'stop',
    template: 'template',
    paused: 'pause',
    still: 'pause',
  }
  const says = status === 'template' ? words.template : (words.guestStates[status] ?? status)
  return html`<li class="guest guest-${status}" data-sid=${guest.sid} data-on=${guest.node} title="${guest.sid} ${guest.name}: ${says}">
    <${Icon} name=${icons[status] ?? 'stop'} /><span class="vmid">${guest.vmid}</span><span class="guest-name">${guest.name}</span>
    <span class="unseen">${says}</span>${ha && html`<span class="ha ha-${ha}">HA ${ha}</span>`}
  </li>`
}

function Storage({ storage }: { storage: LabStorage }): VNode {
  const { words } = usePage()
  return html`<li class=${storage.shared ? 'shared' : ''} title="${storage.storage}: ${storage.type}">
    <${Icon} name=${storage.shared ? 'shared' : 'disk'} /><span>${storage.storage}</span>
    ${storage.shared && html`<span class="unseen">${words.shared}</span>`}
  </li>`
}

/** Pulling the plug and the cable: what a person beside the machine would do. */
function Switches({ node, order }: Pick<NodeCardProps, 'node' | 'order'>): VNode {
  const { words } = usePage()
  const button = (icon: IconName, label: string, change: object) =>
    html`<button type="button" class="button small" aria-label="${node.name}: ${label}"
      onClick=${() => order(`nodes/${encodeURIComponent(node.name)}`, change)}><${Icon} name=${icon} />${label}</button>`
  return html`<div class="switches">
    ${node.power === 'on' ? button('power', words.cutPower, { power: 'off' }) : button('power', words.powerOn, { power: 'on' })}
    ${node.network === 'up' ? button('network', words.cutNetwork, { network: 'cut' }) : button('network', words.mendNetwork, { network: 'up' })}
  </div>`
}

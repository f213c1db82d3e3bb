import type { VNode } from 'preact'
import { useState } from 'preact/hooks'
import type { Action, Message } from '../../../core/message.ts'
import { Bar, percentText } from './bar.ts'
import { ErrorPart } from './error-part.ts'
import { FormPart } from './form-part.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { usePage } from './page-context.ts'
import { Command, RichText } from './rich-text.ts'
import { TablePart } from './table-part.ts'
import type { Thread as ThreadOf } from './timeline.ts'
import { type Clicks, useClicks } from './use-clicks.ts'
import type { Listed } from './wire.ts'

/** Longer threads begin closed, with their last line to be seen. */
const openUpTo = 5

export function Thread({ card, replies }: ThreadOf): VNode {
  const [open, setOpen] = useState(replies.length <= openUpTo)
  return html`<li class="thread">
    <${Entry} listed=${card} replies=${replies.length} />
    ${replies.length > 0 && html`<${RepliesToggle} replies=${replies} open=${open} onToggle=${() => setOpen(!open)} />`}
    ${
      open &&
      replies.length > 0 &&
      html`<ol class="replies">${replies.map((reply) => html`<li key=${reply.id}><${Entry} listed=${reply} replies=${0} /></li>`)}</ol>`
    }
  </li>`
}

function RepliesToggle({ replies, open, onToggle }: { replies: Listed[]; open: boolean; onToggle: () => void }): VNode {
  const { words } = usePage()
  return html`<button type="button" class="replies-toggle" aria-expanded=${open} onClick=${onToggle}>
    <${Icon} name="chevron" /><span class="replies-count">${words.replies(replies.length)}</span>
    ${!open && html`<span class="last-reply">${replies.at(-1)?.message.title}</span>`}
  </button>`
}

function Entry({ listed, replies }: { listed: Listed; replies: number }): VNode {
  return listed.author === 'quorum'
    ? html`<${Card} listed=${listed} replies=${replies} />`
    : html`<${Said} listed=${listed} />`
}

/** What a person typed. */
function Said({ listed }: { listed: Listed }): VNode {
  return html`<article class="said" data-id=${listed.id}>
    <span class="who">${listed.author.replace(/^web:/, '')}</span><span class="typed">${listed.message.title}</span>
    <${Time} iso=${listed.at} />
  </article>`
}

function Card({ listed, replies }: { listed: Listed; replies: number }): VNode {
  const { words } = usePage()
  const clicks = useClicks(listed, replies)
  const { message } = listed
  return html`<article class="card state-${message.state}" data-id=${listed.id} data-revision=${listed.revision}>
    <header class="card-head">
      <${Icon} name=${message.state} />
      <h3>${message.title}</h3>
      <span class="aside"><${Time} iso=${listed.at} /><span class="state">${words.states[message.state] ?? message.state}</span></span>
    </header>
    <${Parts} message=${message} />
    <${Answers} listed=${listed} clicks=${clicks} />
    <${Marks} message=${message} />
  </article>`
}

function Parts({ message }: { message: Message }): VNode {
  const { text, fields, table, progress, log, image, error } = message
  return html`
    ${text && html`<${RichText} text=${text} />`}
    ${fields?.length ? html`<${Fields} fields=${fields} />` : null}
    ${progress && html`<${ProgressPart} progress=${progress} title=${message.title} />`}
    ${table && html`<${TablePart} table=${table} />`}
    ${log?.length ? html`<${Log} lines=${log} />` : null}
    ${image && html`<${Picture} image=${image} />`}
    ${error && html`<${ErrorPart} error=${error} title=${message.title} />`}`
}

function Answers({ listed, clicks }: { listed: Listed; clicks: Clicks }): VNode {
  const { form, actions } = listed.message
  return html`
    ${form && html`<${FormPart} key=${form.id} form=${form} actions=${actions ?? []} clicks=${clicks} />`}
    ${actions?.length && !form ? html`<${Actions} actions=${actions} clicks=${clicks} />` : null}
    ${clicks.fault && html`<${ErrorPart} error=${clicks.fault} alert=${true} />`}`
}

function Actions({ actions, clicks }: { actions: Action[]; clicks: Clicks }): VNode {
  const button = ({ id, label, style }: Action) =>
    html`<button type="button" class="button ${style ?? ''}" disabled=${clicks.spent(id)} onClick=${() => clicks.click(id)}>${label}</button>`
  return html`<div class="actions">${actions.map(button)}</div>`
}

function Fields({ fields }: { fields: NonNullable<Message['fields']> }): VNode {
  return html`<dl class="fields">
    ${fields.map(({ name, value }) => html`<div><dt>${name}</dt><dd><${RichText} text=${value} /></dd></div>`)}
  </dl>`
}

/** Without a percent the bar shows the finished steps. */
function ProgressPart({ progress, title }: { progress: NonNullable<Message['progress']>; title: string }): VNode {
  const { words, language } = usePage()
  const { step, of, percent, label } = progress
  const stepsDone = of > 0 ? ((step - 1) / of) * 100 : 0
  const steps = words.step(step, of)
  const done = percentText(percent, language)
  return html`<div class="progress">
    <div class="progress-words">
      <span>${steps}${label ? html` · <span class="label">${label}</span>` : ''}</span><span class="percent">${done}</span>
    </div>
    <${Bar} label=${title} percent=${percent} drawn=${percent ?? stepsDone} text=${[steps, label, done].filter(Boolean).join(', ')} />
  </div>`
}

function Log({ lines }: { lines: string[] }): VNode {
  const { words } = usePage()
  return html`<pre class="log" role="group" aria-label=${words.log} tabindex="0">${lines.join('\n')}</pre>`
}

/** Only pictures of this server are loaded, which the Content-Security-Policy holds to as well. */
function Picture({ image }: { image: { alt: string; url: string } }): VNode {
  const ours = /^\/(?!\/)|^data:image\//.test(image.url)
  return ours ? html`<img class="picture" src=${image.url} alt=${image.alt} />` : html`<p class="text">${image.alt}</p>`
}

/** What the card is about, small: the event, and the job or incident with the command that shows it. */
function Marks({ message: { event, job, incident } }: { message: Message }): VNode | null {
  const { words } = usePage()
  if (!event && !job && !incident) return null
  return html`<footer class="marks">
    ${event && html`<span class="event">${[event.severity, event.kind].filter(Boolean).join(' · ')}</span>`}
    ${typeof event?.at === 'string' && html`<${Time} iso=${event.at} />`}
    ${job && html`<span>${words.job} <${Command} text=${`job show ${job}`} label=${job} /></span>`}
    ${incident && html`<span>${words.incident} <${Command} text=${`incident show ${incident}`} label=${incident} /></span>`}
  </footer>`
}

function Time({ iso }: { iso: string | undefined }): VNode | null {
  const { language } = usePage()
  const date = new Date(iso ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return null
  return html`<time datetime=${iso} title=${date.toLocaleString(language)}>${date.toLocaleTimeString(language)}</time>`
}

import type { VNode } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { getMe, signOut } from './api.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { usePage } from './page-context.ts'
import type { Settings, Theme } from './settings.ts'

interface SidebarProps {
  settings: Settings
  change: (change: Partial<Settings>) => void
  /** The session says who speaks: nothing to choose. */
  signedIn: boolean
  /** On a narrow page: slid in. */
  open: boolean
  onClose: () => void
}

/** Channels above, who speaks and how the page looks below. */
export function Sidebar({ settings, change, signedIn, open, onClose }: SidebarProps): VNode {
  const { words } = usePage()
  const aside = useRef<HTMLElement>(null)
  useEffect(() => {
    if (open) aside.current?.querySelector<HTMLElement>('[aria-current]')?.focus()
  }, [open])
  const leave = (event: KeyboardEvent) => event.key === 'Escape' && onClose()
  return html`<aside class="sidebar" id="sidebar" ref=${aside} onKeyDown=${leave}>
    <div class="brand">
      <img src="/page/icon.svg" alt="" width="20" height="20" /><h1>Quorum</h1>
      <button type="button" class="icon-button close" aria-label=${words.close} onClick=${onClose}><${Icon} name="close" /></button>
    </div>
    <${Channels} settings=${settings} change=${change} onClose=${onClose} />
    <div class="preferences">
      ${signedIn ? html`<${SignedIn} />` : html`<${Person} user=${settings.user} onChange=${(user: string) => change({ user })} />`}
      <${Segments} label=${words.language} value=${settings.language} onChange=${(language: 'en' | 'es') => change({ language })}
        options=${[{ value: 'en', label: 'English' }, { value: 'es', label: 'Español' }]} />
      <${Segments} label=${words.theme} value=${settings.theme} onChange=${(theme: Theme) => change({ theme })}
        options=${[{ value: 'system', label: words.system }, { value: 'light', label: words.light }, { value: 'dark', label: words.dark }]} />
    </div>
  </aside>`
}

type ChannelsProps = Pick<SidebarProps, 'settings' | 'change' | 'onClose'>

function Channels({ settings, change, onClose }: ChannelsProps): VNode {
  const { words } = usePage()
  const [name, setName] = useState('')
  const open = (channel: string) => {
    change({ channel, channels: [...new Set([...settings.channels, channel])] })
    onClose()
  }
  const add = (event: Event) => {
    event.preventDefault()
    const channel = name.trim().replace(/^#+/, '').replace(/\s+/g, '-')
    if (channel === '') return
    setName('')
    open(channel)
  }
  return html`<nav class="channels" aria-label=${words.channels}>
    <h2>${words.channels}</h2>
    <ul>
      ${settings.channels.map(
        (channel) => html`<li key=${channel}>
          <button type="button" aria-current=${channel === settings.channel ? 'page' : undefined} onClick=${() => open(channel)}>
            <span class="hash" aria-hidden="true">#</span>${channel}
          </button>
        </li>`,
      )}
    </ul>
    <form class="new-channel" onSubmit=${add}>
      <input type="text" value=${name} maxlength="64" placeholder=${words.newChannel} aria-label=${words.newChannel}
        onInput=${(event: Event) => setName((event.currentTarget as HTMLInputElement).value)} />
      <button type="submit" class="button" disabled=${name.trim() === ''}>${words.add}</button>
    </form>
  </nav>`
}

/** Who the session says is here, and the way out. */
function SignedIn(): VNode {
  const { words, language } = usePage()
  const [name, setName] = useState<string>()
  // Where nobody is signed in, the chat says so and what to do.
  useEffect(() => {
    getMe().then(
      ({ identity }) => setName(identity?.replace(/^web:/, '')),
      () => undefined,
    )
  }, [])
  const leave = () =>
    signOut(language).then(
      () => location.reload(),
      () => undefined,
    )
  return html`<p class="signed-in">${name === undefined ? words.signedIn : words.signedInAs(name)}</p>
    ${name !== undefined && html`<button type="button" class="button" onClick=${leave}>${words.signOut}</button>`}`
}

const people = ['viewer', 'operator', 'admin', 'student']

function Person({ user, onChange }: { user: string; onChange: (user: string) => void }): VNode {
  const { words } = usePage()
  const [other, setOther] = useState(!people.includes(user))
  const choose = (event: Event) => {
    const { value } = event.currentTarget as HTMLSelectElement
    setOther(value === '')
    if (value !== '') onChange(value)
  }
  const name = (event: Event) => {
    const typed = (event.currentTarget as HTMLInputElement).value.trim()
    if (typed !== '') onChange(typed)
  }
  return html`<div class="person">
    <label for="person">${words.speakAs}</label>
    <select id="person" value=${other ? '' : user} onChange=${choose}>
      ${people.map((person) => html`<option value=${person} selected=${!other && person === user}>${person}</option>`)}
      <option value="" selected=${other}>${words.otherName}</option>
    </select>
    ${other && html`<input type="text" class="other-name" aria-label=${words.name} placeholder=${words.name} maxlength="64" defaultValue=${people.includes(user) ? '' : user} onInput=${name} />`}
  </div>`
}

interface SegmentsProps {
  label: string
  value: string
  options: { value: string; label: string }[]
  onChange: (value: string) => void
}

/** A few choices side by side, one of them pressed. */
export function Segments({ label, value, options, onChange }: SegmentsProps): VNode {
  return html`<div class="segments" role="group" aria-label=${label}>
    <span class="segments-label" aria-hidden="true">${label}</span>
    <div>${options.map(
      (option) =>
        html`<button type="button" aria-pressed=${option.value === value} onClick=${() => onChange(option.value)}>${option.label}</button>`,
    )}</div>
  </div>`
}

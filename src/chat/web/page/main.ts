import type { VNode } from 'preact'
import { render } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { complete, errorOf, postAction, postMessage, type Speaker } from './api.ts'
import { Cluster } from './cluster.ts'
import { Composer } from './composer.ts'
import { ErrorPart } from './error-part.ts'
import { html } from './html.ts'
import { Icon } from './icons.ts'
import { MessageList } from './message-list.ts'
import { type Page, PageContext } from './page-context.ts'
import { remember, useSettings } from './settings.ts'
import { Sidebar } from './sidebar.ts'
import { type Channel, useChannel } from './use-channel.ts'
import { useLab } from './use-lab.ts'
import { type Words, wordsOf } from './words.ts'

const signedIn = document.documentElement.dataset.signIn === 'link'

function App(): VNode {
  const [settings, change] = useSettings()
  const { user, language, channel, theme, history } = settings
  const speaker = useMemo<Speaker>(() => ({ user: signedIn ? undefined : user, language }), [user, language])
  const chat = useChannel(channel)
  const view = useLab(speaker)
  const [tab, setTab] = useState<'chat' | 'cluster'>('chat')
  const [drawer, setDrawer] = useState(false)
  const menu = useRef<HTMLButtonElement>(null)
  const closeDrawer = () => {
    if (!drawer) return
    setDrawer(false)
    menu.current?.focus()
  }
  const [draft, setDraft] = useState<{ text: string }>()
  useDocument(language, theme)

  const page = useMemo<Page>(
    () => ({
      words: wordsOf[language],
      language,
      act: (messageId, actionId, values) =>
        postAction(speaker, { messageId, actionId, values }).then(() => undefined, errorOf),
      suggest: (text) => {
        setTab('chat')
        setDraft({ text })
      },
    }),
    [speaker, language],
  )
  const { words } = page

  const send = (text: string) => {
    change({ history: remember(history, text) })
    return postMessage(speaker, channel, text).then(() => undefined, errorOf)
  }

  // The lab is drawn anew each second; the messages only when they change.
  const messages = useMemo(
    () => html`<${MessageList} key=${channel} timeline=${chat.timeline} loaded=${chat.link === 'live'} />`,
    [channel, chat.timeline, chat.link],
  )
  const hasLab = view.link === 'live' || view.link === 'lost'

  return html`<${PageContext.Provider} value=${page}>
    <div class="app ${hasLab ? 'has-lab' : ''} tab-${hasLab ? tab : 'chat'} ${drawer ? 'drawer' : ''}">
      <${Sidebar} settings=${settings} change=${change} signedIn=${signedIn} open=${drawer} onClose=${closeDrawer} />
      <div class="veil" onClick=${closeDrawer}></div>
      <header class="top">
        <button type="button" class="icon-button menu" ref=${menu} aria-label=${words.menu} aria-expanded=${drawer} aria-controls="sidebar" onClick=${() => setDrawer(!drawer)}><${Icon} name="menu" /></button>
        <h2><span class="hash" aria-hidden="true">#</span>${channel}</h2>
        ${hasLab && html`<span class="badge">${words.simulated}</span><${Tabs} tab=${tab} words=${words} onChange=${setTab} />`}
      </header>
      <main class="chat" aria-label=${words.chat}>
        ${messages}
        <${LinkLine} chat=${chat} words=${words} />
        <${Composer} key=${channel} draft=${draft} history=${history} onSend=${send}
          ask=${(text: string, signal: AbortSignal) => complete(speaker, channel, text, signal)} />
      </main>
      ${hasLab && html`<${Cluster} view=${view} />`}
      <${Aloud} chat=${chat} words=${words} />
    </div>
  <//>`
}

/** On a narrow screen: the chat or the cluster. */
function Tabs({ tab, words, onChange }: { tab: string; words: Words; onChange: (tab: string) => void }): VNode {
  const button = (name: 'chat' | 'cluster') =>
    html`<button type="button" aria-pressed=${tab === name} onClick=${() => onChange(name)}>${words[name]}</button>`
  return html`<nav class="tabs">${button('chat')}${button('cluster')}</nav>`
}

function LinkLine({ chat, words }: { chat: Channel; words: Words }): VNode | null {
  if (chat.link === 'live') return null
  if (chat.fault) return html`<${ErrorPart} error=${chat.fault} alert=${true} />`
  const says = chat.link === 'connecting' ? words.connecting : words.reconnecting
  return html`<p class="line-note" role="status"><${Icon} name="running" />${says}</p>`
}

/** For screen readers: the newest message or change of state, not every percent. */
function Aloud({ chat, words }: { chat: Channel; words: Words }): VNode {
  const message = chat.news?.message
  return html`<div class="unseen" role="status" aria-live="polite" id="aloud">${message && `${message.title}: ${words.states[message.state]}`}</div>`
}

function useDocument(language: string, theme: string): void {
  useEffect(() => {
    document.documentElement.lang = language
  }, [language])
  useEffect(() => {
    document.documentElement.dataset.theme = theme
  }, [theme])
}

const place = document.getElementById('app')
if (place) render(html`<${App} />`, place)

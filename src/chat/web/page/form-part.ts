import type { VNode } from 'preact'
import { useId, useState } from 'preact/hooks'
import type { Action, Form, FormField } from '../../../core/message.ts'
import { html } from './html.ts'
import { usePage } from './page-context.ts'
import type { Clicks } from './use-clicks.ts'

type Values = Record<string, string>

/**
 * A form of a message. What was typed stays through revisions of the message. Values go out as strings (`true` and
 * `false` for a box), an optional field left empty does not go out, and a secret is forgotten once sent.
 */
export function FormPart({ form, actions, clicks }: { form: Form; actions: readonly Action[]; clicks: Clicks }): VNode {
  const { words } = usePage()
  const label = (id: string, fallback: string) => actions.find((action) => action.id === id)?.label ?? fallback
  const [values, setValues] = useState(() => initial(form))
  const spent = clicks.spent('form.submit') || clicks.spent('form.cancel')

  function submit(event: Event): void {
    event.preventDefault()
    clicks.click('form.submit', filled(form, values))
    setValues(withoutSecrets(form, values))
  }

  return html`<form class="form" onSubmit=${submit} autocomplete="off">
    <fieldset disabled=${spent}>
      ${form.fields.map(
        (field) =>
          html`<${Field} key=${field.name} field=${field} value=${values[field.name] ?? ''}
            onChange=${(value: string) => setValues((before) => ({ ...before, [field.name]: value }))} />`,
      )}
      <div class="actions">
        <button type="submit" class="button primary">${label('form.submit', words.submit)}</button>
        <button type="button" class="button" onClick=${() => clicks.click('form.cancel')}>${label('form.cancel', words.cancel)}</button>
      </div>
    </fieldset>
  </form>`
}

interface FieldProps {
  field: FormField
  value: string
  onChange: (value: string) => void
}

function Field({ field, value, onChange }: FieldProps): VNode {
  const { words } = usePage()
  const id = useId()
  const label = html`<label for=${id}>${field.label}${field.required && field.type !== 'boolean' && html`<span class="required">${words.required}</span>`}</label>`
  if (field.type === 'boolean') {
    const toggle = (event: Event) => onChange(String((event.currentTarget as HTMLInputElement).checked))
    return html`<div class="field box"><input id=${id} name=${field.name} type="checkbox" checked=${value === 'true'} onChange=${toggle} />${label}</div>`
  }
  return html`<div class="field">${label}<${Control} id=${id} field=${field} value=${value} onChange=${onChange} /></div>`
}

function Control({ id, field, value, onChange }: FieldProps & { id: string }): VNode {
  const { words } = usePage()
  const change = (event: Event) => onChange((event.currentTarget as HTMLInputElement).value)
  const common = { id, name: field.name, required: field.required, value }
  if (field.type !== 'select') {
    const type = field.type === 'secret' ? 'password' : field.type
    const secret = field.type === 'secret' ? { autocomplete: 'new-password' } : { autocomplete: 'off' }
    return html`<input ...${common} ...${secret} type=${type} step=${type === 'number' ? 'any' : undefined} onInput=${change} />`
  }
  return html`<select ...${common} onChange=${change}>
    ${value === '' && html`<option value="">${words.choose}</option>`}
    ${field.options?.map((option) => html`<option value=${option.value} selected=${option.value === value}>${option.label}</option>`)}
  </select>`
}

function initial(form: Form): Values {
  return Object.fromEntries(
    form.fields.map(({ name, type, value }) => [name, value ?? (type === 'boolean' ? 'false' : '')]),
  )
}

function filled(form: Form, values: Values): Values {
  const sent = form.fields.filter(({ name }) => values[name] !== '')
  return Object.fromEntries(sent.map(({ name }) => [name, values[name] ?? '']))
}

function withoutSecrets(form: Form, values: Values): Values {
  const secrets = form.fields.filter(({ type }) => type === 'secret')
  return { ...values, ...Object.fromEntries(secrets.map(({ name }) => [name, ''])) }
}

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contentSecurityPolicy, pageAssets } from '../src/chat/web/page/assets.ts'
import { merge, threads } from '../src/chat/web/page/timeline.ts'
import { hasBrowser, startBrowser } from './browser.ts'
import { demoLab, hostile, PageFixture, samples } from './page-fixture.ts'

describe('the files of the page', () => {
  test('every script that is imported is served, and the whole stays small', () => {
    const assets = pageAssets()
    const ours = [...assets].filter(([path]) => path.startsWith('/page/') && path.endsWith('.js'))
    for (const [, { body }] of ours) {
      for (const [, name] of body.toString().matchAll(/from '\.\/([\w-]+\.js)'/g)) {
        expect(assets.has(`/page/${name}`), name).toBe(true)
      }
    }
    const bytes = ours.reduce((sum, [, { body }]) => sum + body.length, 0)
    expect(bytes).toBeLessThan(65_000)
    expect([...assets.keys()]).toEqual(expect.arrayContaining(['/', '/page.css', '/page/main.js', '/vendor/htm.js']))
    expect(assets.has('/page/assets.js')).toBe(false)
  })

  test('the policy allows neither inline script nor eval nor other hosts', () => {
    expect(contentSecurityPolicy).toMatch(/script-src 'self' 'sha256-[\w+/=]{44}'/)
    expect(contentSecurityPolicy).not.toMatch(/unsafe|https?:|\*/)
  })
})

test('replies find their card whatever the order, and a circle of replies loses nothing', () => {
  const entry = (id: string, thread?: string, revision = 1) => ({
    id,
    seq: 1,
    channel: 'c',
    author: 'quorum',
    revision,
    message: { title: `${id}${revision}`, state: 'info' as const, ...(thread ? { thread } : {}) },
  })
  const timeline = merge(new Map(), [entry('r', 'a'), entry('a', undefined, 2), entry('rr', 'r'), entry('x', 'y')])
  const shape = (map: typeof timeline) =>
    threads(map).map(({ card, replies }) => [card.message.title, ...replies.map((reply) => reply.id)])
  expect(shape(timeline)).toEqual([['a2', 'r', 'rr'], ['x1']])
  expect(shape(merge(timeline, [entry('a')]))).toEqual(shape(timeline))
  expect(
    shape(merge(new Map(), [entry('p', 'q'), entry('q', 'p')]))
      .flat()
      .sort(),
  ).toEqual(['p1', 'q1'])
})

describe.skipIf(!hasBrowser)('in a browser', () => {
  let browser: Browser
  let fixture: PageFixture
  let problems: string[] = []
  /** A new page is a new process; each test's server has a port, hence an origin and a storage, of its own. */
  let usual: Page

  beforeAll(async () => {
    browser = await startBrowser()
    usual = await fresh({})
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    problems = []
    fixture = await PageFixture.start()
  })
  afterEach(async () => {
    const others = browser.contexts().filter((context) => context !== usual.context())
    await Promise.all(others.map((context) => context.close()))
    usual.removeAllListeners()
    await usual.goto('about:blank')
    await fixture.close()
    expect(problems).toEqual([])
  })

  type Options = NonNullable<Parameters<Browser['newPage']>[0]>

  const fresh = (options: Options) =>
    browser.newPage({ viewport: { width: 1400, height: 900 }, locale: 'en-US', reducedMotion: 'reduce', ...options })

  /** Opens the page and waits until it is live. Whatever the console complains of fails the test, but for `expects`. */
  async function open(
    { expects = /^$/, ...options }: Options & { expects?: RegExp } = {},
    prepare?: (page: Page) => Promise<void>,
  ) {
    const isUsual = Object.keys(options).length === 0 && !prepare
    const page = isUsual ? usual : await fresh(options)
    const complain = (text: string) => expects.test(text) || problems.push(text)
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complain(message.text()))
    page.on('pageerror', (error) => complain(String(error)))
    await prepare?.(page)
    await page.goto(fixture.url)
    await page.locator('.line-note').waitFor({ state: 'detached' })
    return page
  }

  const entry = (page: Page) => page.getByRole('combobox', { name: 'Type a command' })
  const card = (page: Page, id: string) => page.locator(`[data-id="${id}"]`)
  const posted = (path: string) =>
    expect.poll(() => fixture.posted.filter((post) => post.path === path).map((post) => post.body))

  test('a card edits itself in place from queued to done, and is read aloud when its state changes', async () => {
    const page = await open()
    await entry(page).fill('/pve vm create name:web1')
    await entry(page).press('Enter')
    await posted('/api/messages').toEqual([{ user: 'operator', channel: 'general', text: '/pve vm create name:web1' }])
    await page.locator('.said', { hasText: '/pve vm create name:web1' }).waitFor()
    await expect.poll(() => entry(page).inputValue()).toBe('')

    const id = fixture.say(samples.queued)
    await card(page, id).getByText('queued').waitFor()
    fixture.edit(id, samples.running)
    const bar = card(page, id).getByRole('progressbar')
    await bar.waitFor()
    expect(await bar.getAttribute('aria-valuenow')).toBe('42')
    expect(await bar.getAttribute('aria-valuetext')).toBe('Step 3 of 6, copying the disk, 42%')
    expect(await card(page, id).locator('.log').textContent()).toContain('13.4 GiB')
    expect(await page.locator('#aloud').textContent()).toBe('Create vm web1: running')
    fixture.edit(id, samples.done)
    await card(page, id).getByText('done', { exact: true }).waitFor()
    expect(await page.locator('.card').count()).toBe(1)
    expect(await card(page, id).locator('dt').allInnerTexts()).toEqual(['Cores', 'Memory', 'Disk'])
    expect(await card(page, id).locator('dd code').textContent()).toBe('Storage:vm-100-disk-0')
    expect(await page.locator('#aloud').textContent()).toBe('web1 (100) runs on pve1: done')
  })

  test('a button sends one click and stays off until the next revision; a failed click can be repeated', async () => {
    const page = await open({ expects: /status of 403/ })
    const id = fixture.say(samples.confirm)
    const danger = card(page, id).getByRole('button', { name: 'Shut down pve1' })
    fixture.refusal = { status: 403, error: { code: 'not-you', says: 'Only an admin may.', hint: 'Ask `whoami`' } }
    await danger.click()
    await card(page, id).getByRole('alert').getByText('Only an admin may.').waitFor()
    expect(await danger.isEnabled()).toBe(true)

    await danger.click()
    await posted('/api/actions').toEqual(Array(2).fill({ user: 'operator', messageId: id, actionId: 'confirm' }))
    await expect.poll(() => danger.isDisabled()).toBe(true)
    expect(await card(page, id).getByRole('button', { name: 'Keep it running' }).isDisabled()).toBe(true)
    fixture.edit(id, samples.confirm)
    await expect.poll(() => danger.isEnabled()).toBe(true)
  })

  test('looking at the log decides nothing: the other buttons stay on', async () => {
    const id = fixture.say(samples.running)
    const page = await open()
    await card(page, id).getByRole('button', { name: 'Log' }).click()
    await posted('/api/actions').toEqual([{ user: 'operator', messageId: id, actionId: 'log' }])
    expect(await card(page, id).getByRole('button', { name: 'Log' }).isDisabled()).toBe(true)
    expect(await card(page, id).getByRole('button', { name: 'Cancel' }).isEnabled()).toBe(true)
  })

  test('a form wants what is required, sends its values and forgets the secret', async () => {
    const page = await open()
    const id = fixture.say(samples.form)
    const form = card(page, id)
    const send = form.getByRole('button', { name: 'Send' })
    await send.click()
    expect(await form.getByLabel('Name').evaluate((input: HTMLInputElement) => input.validity.valueMissing)).toBe(true)
    expect(fixture.posted).toEqual([])

    await form.getByLabel('Name').fill('web1')
    await form.getByLabel('Password').fill('s3cret')
    await form.getByLabel('Start it afterwards').uncheck()
    await form.getByLabel('Node').selectOption('pve2')
    fixture.edit(id, samples.form)
    await page.locator(`[data-id="${id}"][data-revision="2"]`).waitFor()
    await send.click()
    const values = { name: 'web1', cores: '1', password: 's3cret', start: 'false', node: 'pve2' }
    await posted('/api/actions').toEqual([{ user: 'operator', messageId: id, actionId: 'form.submit', values }])
    expect(await form.getByLabel('Password').inputValue()).toBe('')
    expect(await form.getByLabel('Name').isDisabled()).toBe(true)

    const other = fixture.say({ ...samples.form, title: 'Another' })
    await card(page, other).getByRole('button', { name: 'Cancel' }).click()
    await expect
      .poll(() => fixture.posted.at(-1)?.body)
      .toEqual({ user: 'operator', messageId: other, actionId: 'form.cancel' })
  })

  test('completion by keyboard', async () => {
    fixture.completions = ['create ', 'clone ', 'console '].map((verb) => ({
      value: `vm ${verb}`,
      label: `vm ${verb.trim()}`,
      note: verb,
    }))
    const page = await open()
    const options = page.locator('#suggestions').getByRole('option')
    await page.keyboard.press('/')
    await page.keyboard.type('vm c')
    await expect.poll(() => options.count()).toBe(3)
    expect(await entry(page).getAttribute('aria-expanded')).toBe('true')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    expect(await page.locator('#suggestions [aria-selected=true]').textContent()).toContain('vm clone')
    await page.keyboard.press('Enter')
    await expect.poll(() => entry(page).inputValue()).toBe('vm clone ')
    expect(fixture.posted).toEqual([])

    await entry(page).fill('vm c')
    await expect.poll(() => options.count()).toBe(3)
    await page.keyboard.press('Escape')
    await expect.poll(() => options.count()).toBe(0)
    await expect.poll(() => entry(page).inputValue()).toBe('vm c')

    await page.keyboard.type('r')
    await expect.poll(() => options.count()).toBe(1)
    await page.keyboard.press('Tab')
    await expect.poll(() => entry(page).inputValue()).toBe('vm create ')
    await page.keyboard.press('Enter')
    await posted('/api/messages').toEqual([{ user: 'operator', channel: 'general', text: 'vm create' }])
  })

  test('history on the empty line, kept over a reload; Ctrl+K comes back to the line', async () => {
    const page = await open()
    for (const text of ['status', 'vm list']) {
      await entry(page).fill(text)
      await entry(page).press('Enter')
      await page.locator('.said', { hasText: text }).waitFor()
    }
    await page.reload()
    await page.locator('.said').first().waitFor()
    await page.keyboard.press('Control+k')
    const recalls = async (key: string, line: string) => {
      await page.keyboard.press(key)
      await expect.poll(() => entry(page).inputValue(), { message: key }).toBe(line)
    }
    await recalls('ArrowUp', 'vm list')
    await recalls('ArrowUp', 'status')
    await recalls('ArrowUp', 'status')
    await recalls('ArrowDown', 'vm list')
    await recalls('ArrowDown', '')
  })

  test('text that looks like HTML stays text everywhere', async () => {
    const page = await open()
    const id = fixture.say({
      ...samples.odd,
      form: { id: 'f', fields: [{ name: 'n', label: hostile, type: 'text', required: false }] },
    })
    fixture.say({ title: hostile, state: 'info' }, { author: `web:${hostile}` })
    fixture.lab?.guests.push({ sid: 'vm:666', vmid: 666, name: hostile, type: 'qemu', node: 'pve1', status: 'running' })
    await page.locator('.guest-name', { hasText: hostile }).waitFor()
    await page.locator('.who', { hasText: hostile }).waitFor()
    const shown = await card(page, id).evaluate((element) => element.textContent ?? '')
    const parts = Object.keys(samples.odd).length
    expect(shown.split(hostile).length - 1).toBeGreaterThanOrEqual(parts)
    expect(await page.locator('img').count()).toBe(1)
    expect(await page.locator('b, i, script:not([src]):not([type=importmap])').count()).toBe(0)
  })

  test('a refusal offers its next step; a failed POST stays with the line and its words', async () => {
    const page = await open({ expects: /status of 400/ })
    const id = fixture.say(samples.refusal)
    await card(page, id).getByRole('button', { name: 'vm migrate web1 to:pve3' }).click()
    await expect.poll(() => entry(page).inputValue()).toBe('vm migrate web1 to:pve3')
    await expect.poll(() => entry(page).evaluate((input) => input === document.activeElement)).toBe(true)
    await card(page, id).getByText('What Proxmox said').click()
    expect(await card(page, id).locator('.raw pre').isVisible()).toBe(true)

    fixture.refusal = { status: 400, error: { code: 'too-long', says: 'That is too long.', hint: 'help' } }
    await entry(page).press('Enter')
    const alert = page.locator('.composer').getByRole('alert')
    await alert.getByText('That is too long.').waitFor()
    await expect.poll(() => entry(page).inputValue()).toBe('vm migrate web1 to:pve3')
    await alert.getByRole('button', { name: 'help' }).click()
    await expect.poll(() => entry(page).inputValue()).toBe('help')
  })

  test('replies stand under their card and fold away', async () => {
    const page = await open()
    const thread = fixture.say(samples.spanish)
    fixture.say({ title: 'fencing pve1', state: 'running', thread })
    fixture.say(samples.done)
    fixture.say({ title: 'vm:100 recovered', state: 'ok', thread })
    const replies = page.locator('.thread', { has: card(page, thread) }).locator('.replies h3')
    await expect.poll(() => replies.allInnerTexts()).toEqual(['fencing pve1', 'vm:100 recovered'])
    const fold = page.getByRole('button', { name: '2 replies' })
    await fold.click()
    expect(await replies.count()).toBe(0)
    expect(await fold.textContent()).toContain('vm:100 recovered')
  })

  test('a broken stream says so, resumes where it was and misses nothing', async () => {
    const first = fixture.say(samples.queued)
    const page = await open()
    const last = fixture.say(samples.done)
    await card(page, last).waitFor()
    await fixture.pause()
    await page.getByText('Reconnecting…').waitFor()
    const missed = fixture.say(samples.stale)
    fixture.edit(first, samples.running)
    fixture.resume()
    await card(page, missed).waitFor()
    await card(page, first).getByRole('progressbar').waitFor()
    await page.getByText('Reconnecting…').waitFor({ state: 'detached' })
    expect(fixture.resumedFrom).toEqual([undefined, '2'])
    expect(await page.locator('.card').count()).toBe(3)
  })

  test('a stream that the server refused is opened anew', async () => {
    const page = await open({ expects: /status of 503/ })
    await fixture.refuseStreams(503)
    await page.getByText('Reconnecting…').waitFor()
    const missed = fixture.say(samples.done)
    await card(page, missed).waitFor()
    await fixture.refuseStreams(200)
    await page.getByText('Reconnecting…').waitFor({ state: 'detached' })
    const after = fixture.say(samples.queued)
    await card(page, after).waitFor()
  })

  test('channels, people and languages', async () => {
    fixture.say(samples.spanish, { channel: 'aula' })
    const page = await open()
    expect(await page.locator('.card').count()).toBe(0)
    await page.getByLabel('New channel').fill('#aula')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.locator('.card h3', { hasText: 'pve1 no responde' }).waitFor()
    await page.getByLabel('Speak as').selectOption('')
    await page.getByLabel('Name').fill('Lucía')
    await page.getByRole('button', { name: 'Español' }).click()
    await page.locator('.card').getByText('aviso').waitFor()
    await expect.poll(() => page.locator('html').getAttribute('lang')).toBe('es')
    await page.locator('.entry').fill('estado')
    await page.locator('.entry').press('Enter')
    await expect
      .poll(() => fixture.posted)
      .toEqual([{ path: '/api/messages', body: { user: 'Lucía', channel: 'aula', text: 'estado' }, language: 'es' }])
    await page.reload()
    await page.locator('.said .who', { hasText: 'Lucía' }).waitFor()
    expect(await page.locator('.top h2').textContent()).toBe('#aula')
  })

  test('a guest travels to its new node, unless less motion is wanted', async () => {
    const move = async (options: Options) => {
      fixture.lab = demoLab()
      const page = await open(options)
      await page.evaluate(() => {
        const animate = Element.prototype.animate
        Element.prototype.animate = function (...given) {
          document.body.dataset.moved = `${(this as HTMLElement).dataset.sid} ${JSON.stringify(given[0])}`
          return animate.apply(this, given)
        }
      })
      await page.locator('[data-node=pve1] [data-sid="vm:100"]').waitFor()
      const guest = fixture.lab.guests.find(({ vmid }) => vmid === 100)
      if (guest) guest.node = 'pve2'
      await page.locator('[data-node=pve2] [data-sid="vm:100"]').waitFor()
      return page.evaluate(() => document.body.dataset.moved)
    }
    expect(await move({ reducedMotion: 'no-preference' })).toMatch(/^vm:100 .*translate\(-\d/)
    expect(await move({ reducedMotion: 'reduce' })).toBeUndefined()
  })

  test('the switches of the lab', async () => {
    const page = await open()
    const node = page.locator('[data-node=pve1]')
    await node.getByRole('button', { name: 'Cut power' }).click()
    await posted('/api/lab/nodes/pve1').toEqual([{ power: 'off' }])
    await node.getByRole('button', { name: 'Cut network' }).click()
    await posted('/api/lab/nodes/pve1').toEqual([{ power: 'off' }, { network: 'cut' }])
    await page.getByRole('button', { name: '10×' }).click()
    await posted('/api/lab/clock').toEqual([{ speed: 10 }])
    await page.getByLabel('scenario').selectOption('azuay')
    await page.getByRole('button', { name: 'Reset lab' }).click()
    expect(fixture.posted.some(({ path }) => path === '/api/lab/reset')).toBe(false)
    await page.getByRole('button', { name: 'Reset now' }).click()
    await posted('/api/lab/reset').toEqual([{ scenario: 'azuay' }])

    const [first] = fixture.lab?.nodes ?? []
    if (first) Object.assign(first, { power: 'off', online: false })
    Object.assign(fixture.lab ?? {}, { quorate: false })
    await node.getByText('powered off').waitFor()
    await node.getByRole('button', { name: 'Power on' }).waitFor()
    await page.getByText('No quorum: the cluster is read-only').waitFor()
    expect(await page.locator('.quorum .votes').textContent()).toBe('2 of 3 votes')
  })

  test('without a lab there is no picture, and it is asked for once', async () => {
    fixture.lab = undefined
    const page = await open({ expects: /status of 404/ }, (fresh) => fresh.clock.install())
    await expect.poll(() => fixture.labLooks).toBe(1)
    await page.clock.runFor(5000)
    expect(fixture.labLooks).toBe(1)
    expect(await page.locator('.cluster, .badge').count()).toBe(0)
    expect(await page.locator('.chat').isVisible()).toBe(true)
  })

  test('a page that nobody sees holds no stream and asks for nothing; it catches up when looked at', async () => {
    const page = await open({}, (fresh) => fresh.clock.install())
    const turn = (state: string) =>
      page.evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { value, configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))
      }, state)
    await turn('hidden')
    await expect.poll(() => fixture.streamsOpen).toBe(0)
    const looks = fixture.labLooks
    await page.clock.runFor(10_000)
    expect(fixture.labLooks).toBe(looks)
    const missed = fixture.say(samples.done)
    await turn('visible')
    await card(page, missed).waitFor()
    await expect.poll(() => fixture.labLooks).toBeGreaterThan(looks)
  })

  test('signed in by link: nobody to choose, and no user in what is sent', async () => {
    await fixture.close()
    fixture = await PageFixture.start({ signIn: 'link' })
    const page = await open()
    expect(await page.getByLabel('Speak as').count()).toBe(0)
    await page.getByText('Signed in as ana').waitFor()
    await entry(page).fill('status')
    await entry(page).press('Enter')
    await posted('/api/messages').toEqual([{ channel: 'general', text: 'status' }])
  })

  test('a phone: nothing but tables scrolls sideways; chat and cluster are two tabs', async () => {
    const cards = [samples.odd, samples.table, samples.form, samples.running, samples.spanish, samples.stale]
    for (const sample of cards) fixture.say(sample)
    fixture.say({ title: 'x'.repeat(200), state: 'info', text: 'y'.repeat(400) })
    const page = await open({ viewport: { width: 390, height: 844 }, hasTouch: true })
    await expect.poll(() => page.locator('.card').count()).toBe(7)
    expect(await scrollsSideways(page)).toEqual(['table'])
    const table = page.locator('.table', { hasText: 'VMID' })
    expect(await table.evaluate((box) => box.scrollWidth > box.clientWidth)).toBe(true)
    await page.getByRole('button', { name: 'Cluster' }).click()
    await page.locator('.node').first().waitFor()
    expect(await page.locator('.chat').isVisible()).toBe(false)
    expect(await scrollsSideways(page)).toEqual([])
    await page.getByRole('button', { name: 'Channels and settings' }).click()
    await expect
      .poll(() => page.locator('[aria-current=page]').evaluate((it) => it === document.activeElement))
      .toBe(true)
    await page.keyboard.press('Escape')
    await page.locator('.sidebar').waitFor({ state: 'hidden' })
    expect(await page.locator('.menu').evaluate((it) => it === document.activeElement)).toBe(true)
  })

  test.each(['light', 'dark'] as const)('every word can be read (AA) and every focus seen, %s', async (colorScheme) => {
    for (const sample of Object.values(samples)) fixture.say(sample)
    Object.assign(fixture.lab?.nodes[0] ?? {}, { power: 'off', online: false })
    Object.assign(fixture.lab?.nodes[1] ?? {}, { network: 'cut', online: false })
    const page = await open({ colorScheme })
    await page.locator('.node').first().waitFor()
    expect(await faint(page)).toEqual([])
    await page.locator('.messages').focus()
    const stops = await page.locator('.chat :is(button, input, select, summary, [tabindex]):enabled').count()
    for (let stop = 0; stop < stops; stop++) {
      await page.keyboard.press('Tab')
      const seen = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle)
      expect(seen).toBe('solid')
    }
  })

  test('the theme that was chosen stays', async () => {
    const page = await open({ colorScheme: 'light' })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const light = await background()
    await page.getByRole('button', { name: 'Dark' }).click()
    await expect.poll(background).not.toBe(light)
    const dark = await background()
    await page.reload()
    await page.locator('.entry').waitFor()
    await expect.poll(background).toBe(dark)
  })
})

/** Classes of the elements whose content is wider than they are and can be scrolled, the page itself included. */
function scrollsSideways(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const wide = [...document.querySelectorAll('*')].filter((element) => {
      const scrollable = element === document.documentElement || /auto|scroll/.test(getComputedStyle(element).overflowX)
      return scrollable && element.scrollWidth > element.clientWidth
    })
    return [...new Set(wide.map((element) => element.className))]
  })
}

/** Visible texts whose contrast with what is behind them is below 4.5 : 1 (WCAG 2 AA); disabled ones may be. */
function faint(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const channels = (color: string) => (color.match(/[\d.]+/g) ?? []).map(Number)
    const luminance = (color: string) => {
      const linear = channels(color)
        .slice(0, 3)
        .map((value) => value / 255)
        .map((value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0)
    }
    const behind = (element: Element | null): string => {
      if (!element) return 'rgb(255, 255, 255)'
      const { backgroundColor } = getComputedStyle(element)
      return (channels(backgroundColor)[3] ?? 1) === 0 ? behind(element.parentElement) : backgroundColor
    }
    const ratio = (element: Element) => {
      const [low = 0, high = 0] = [getComputedStyle(element).color, behind(element)]
        .map(luminance)
        .sort((a, b) => a - b)
      return (high + 0.05) / (low + 0.05)
    }
    const texts = [...document.querySelectorAll('body *')].filter(
      (element) =>
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim()) &&
        element.checkVisibility() &&
        !element.closest(':disabled, noscript, option'),
    )
    const found = texts.filter((element) => ratio(element) < 4.5)
    return found.map((element) => `${element.className} "${element.textContent}" ${ratio(element).toFixed(2)}`)
  })
}

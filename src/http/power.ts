/** What a device, or the lab, cuts and gives: a node's power or network; with `node`, what that one reaches of a storage. */
interface Wanted {
  power?: 'on' | 'off'
  network?: 'cut' | 'up'
  node?: string
}

/** One POST of JSON, such as `{"power":"off"}`. */
export async function order(url: string, wanted: Wanted): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(wanted),
    redirect: 'error',
    signal: AbortSignal.timeout(10_000),
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`the power device answered ${response.status}`)
}

/** A device, or the lab, that cuts and gives a node's power or network: one POST of JSON, such as `{"power":"off"}`. */
export async function order(url: string, wanted: { power?: 'on' | 'off'; network?: 'cut' | 'up' }): Promise<void> {
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

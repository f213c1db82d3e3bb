/** The names of this machine itself: no other site can make a browser use them as the Host of its own page. */
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i

/**
 * Whether a `Host` is one that people open us by: this machine's own names or the configured public address. Any other
 * name that leads here was pointed at us by somebody else (DNS rebinding).
 */
export function isOurHost(host: string, publicUrl: string | undefined): boolean {
  return loopback.test(host.replace(/:\d+$/, '')) || isPublicHost(host, publicUrl)
}

export function isPublicHost(host: string, publicUrl: string | undefined): boolean {
  return publicUrl !== undefined && new URL(publicUrl).host === host.toLowerCase()
}

/** Whether an `Origin` is the page served under this `Host`, or under the public address in front of it. */
export function isOurOrigin(origin: string, host: string, publicUrl: string | undefined): boolean {
  if (publicUrl !== undefined && origin === new URL(publicUrl).origin) return true
  return origin === `http://${host}` || origin === `https://${host}`
}

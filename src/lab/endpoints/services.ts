/** The daemons of a host, as systemd shows them. */
import type { SimNode } from '../model.ts'
import { type Context, type Route, str } from '../router.ts'

const UNITS: Record<string, string> = {
  chrony: 'chrony, an NTP client/server',
  corosync: 'Corosync Cluster Engine',
  cron: 'Regular background program processing daemon',
  ksmtuned: 'Kernel Samepage Merging (KSM) Tuning Daemon',
  lxcfs: 'FUSE filesystem for LXC',
  postfix: 'Postfix Mail Transport Agent',
  'proxmox-firewall': 'Proxmox nftables firewall',
  'pve-cluster': 'The Proxmox VE cluster filesystem',
  'pve-firewall': 'Proxmox VE firewall',
  'pve-ha-crm': 'PVE Cluster HA Resource Manager Daemon',
  'pve-ha-lrm': 'PVE Local HA Resource Manager Daemon',
  'pve-lxc-syscalld': 'Proxmox VE LXC Syscall Daemon',
  pvedaemon: 'PVE API Daemon',
  'pvefw-logger': 'Proxmox VE firewall logger',
  pveproxy: 'PVE API Proxy Server',
  pvescheduler: 'Proxmox VE scheduler',
  pvestatd: 'PVE Status Daemon',
  qmeventd: 'PVE Qemu Event Daemon',
  spiceproxy: 'PVE SPICE Proxy Server',
  sshd: 'OpenBSD Secure Shell server',
  syslog: 'syslog.service',
  'systemd-journald': 'Journal Service',
  'systemd-timesyncd': 'systemd-timesyncd.service',
}

const ABSENT = new Set(['syslog', 'systemd-timesyncd'])

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/services',
    handler: ({ node }) => Object.keys(UNITS).map((u) => state(node, u)),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/services/{service}',
    handler: () => ['state', 'start', 'stop', 'restart', 'reload'].map((subdir) => ({ subdir })),
  },
  {
    method: 'GET',
    path: '/nodes/{node}/services/{service}/state',
    handler: (ctx) => state(ctx.node, str(ctx, 'service')),
  },
  ...(['start', 'stop', 'restart', 'reload'] as const).map((verb) => ({
    method: 'POST' as const,
    path: `/nodes/{node}/services/{service}/${verb}`,
    handler: (ctx: Context) => act(ctx, verb),
  })),
]

function state(node: SimNode, service: string) {
  const base = { service, name: service, desc: UNITS[service] ?? `${service}.service` }
  if (ABSENT.has(service)) return { ...base, state: 'dead', 'active-state': 'inactive', 'unit-state': 'not-found' }
  const idle = service === 'corosync' && node.config.corosync === undefined
  const running = !idle && node.services.get(service) !== 'stopped'
  return {
    ...base,
    state: running ? 'running' : 'dead',
    'active-state': running ? 'active' : 'inactive',
    'unit-state': service === 'systemd-journald' ? 'static' : 'enabled',
  }
}

/** Seconds that systemd takes. */
const ACT_SECONDS = 1

function act(ctx: Context, verb: 'start' | 'stop' | 'restart' | 'reload') {
  const service = str(ctx, 'service')
  const { node } = ctx
  return ctx.task({ type: `srv${verb}`, id: service }, async (task) => {
    await task.sleep(ACT_SECONDS)
    if (verb === 'reload') return
    await ctx.sim.ha?.control(node, service, verb)
    node.services.set(service, verb === 'stop' ? 'stopped' : 'running')
  })
}

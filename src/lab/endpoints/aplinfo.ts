/** `aplinfo`: the appliance templates that Proxmox offers; contents and texts as on the day of the recordings. */
import { createHash } from 'node:crypto'
import { badParams } from '../fault.ts'
import type { Context, Json, Route } from '../router.ts'
import { str } from '../router.ts'
import { incomingFile, startDownload } from './storage-download.ts'

interface Appliance {
  template: string
  package: string
  version: string
  os: string
  section: string
  headline: string
  description: string
  infopage: string
}

/** Name, release, day. */
const DEFAULT_IMAGES = [
  'almalinux 10 20250930',
  'almalinux 9 20240911',
  'alpine 3.22 20250617',
  'alpine 3.23 20260116',
  'alpine 3.24 20260714',
  'centos 10-stream 20260713',
  'centos 9-stream 20240828',
  'fedora 43 20260115',
  'fedora 44 20260713',
  'gentoo current 20250508 openrc',
  'openeuler 25.03 20250507',
  'opensuse 15.6 20240910',
  'opensuse 16.0 20260116',
  'rockylinux 10 20251001',
  'rockylinux 9 20240912',
]

const STANDARD: Appliance[] = [
  {
    template: 'archlinux-base_20260420-1_amd64.tar.zst',
    package: 'archlinux-base',
    version: '20260420-1',
    os: 'archlinux',
    section: 'system',
    headline: 'ArchLinux base image.',
    description: "ArchLinux template with the 'base' group and the 'openssh' package installed.",
    infopage: 'https://www.archlinux.org',
  },
  {
    template: 'debian-12-standard_12.12-1_amd64.tar.zst',
    package: 'debian-12-standard',
    version: '12.12-1',
    os: 'debian-12',
    section: 'system',
    headline: 'Debian 12 Bookworm (standard)',
    description: 'A small Debian Bookworm system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
  {
    template: 'debian-13-standard_13.6-1_amd64.tar.zst',
    package: 'debian-13-standard',
    version: '13.6-1',
    os: 'debian-13',
    section: 'system',
    headline: 'Debian 13 Trixie (standard)',
    description: 'A small Debian Trixie system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
  {
    template: 'devuan-5.0-standard_5.0_amd64.tar.gz',
    package: 'devuan-5.0-standard',
    version: '5.0',
    os: 'devuan-5.0',
    section: 'system',
    headline: 'Devuan 5 (standard)',
    description: 'A small Devuan Daedalus system including a minimal set of essential packages.',
    infopage: 'https://devuan.org',
  },
  {
    template: 'proxmox-mail-gateway-8.2-standard_8.2-1_amd64.tar.zst',
    package: 'proxmox-mail-gateway-8.2-standard',
    version: '8.2-1',
    os: 'debian-12',
    section: 'mail',
    headline: 'Proxmox Mail Gateway 8.2',
    description: 'A full featured mail proxy for spam and virus filtering, optimized for container environment.',
    infopage: 'https://www.proxmox.com/en/proxmox-mail-gateway/overview',
  },
  {
    template: 'proxmox-mail-gateway-9.1-standard_9.1-1_amd64.tar.zst',
    package: 'proxmox-mail-gateway-9.1-standard',
    version: '9.1-1',
    os: 'debian-13',
    section: 'mail',
    headline: 'Proxmox Mail Gateway 9.1',
    description: 'A full featured mail proxy for spam and virus filtering, optimized for container environment.',
    infopage: 'https://www.proxmox.com/en/proxmox-mail-gateway/overview',
  },
  {
    template: 'ubuntu-22.04-standard_22.04-1_amd64.tar.zst',
    package: 'ubuntu-22.04-standard',
    version: '22.04-1',
    os: 'ubuntu-22.04',
    section: 'system',
    headline: 'Ubuntu 22.04 Jammy (standard)',
    description: 'A small Ubuntu 22.04 Jammy Jellyfish system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
  {
    template: 'ubuntu-24.04-standard_24.04-2_amd64.tar.zst',
    package: 'ubuntu-24.04-standard',
    version: '24.04-2',
    os: 'ubuntu-24.04',
    section: 'system',
    headline: 'Ubuntu 24.04 Noble (standard)',
    description: 'A small Ubuntu 24.04 Noble Numbat system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
  {
    template: 'ubuntu-25.04-standard_25.04-1.1_amd64.tar.zst',
    package: 'ubuntu-25.04-standard',
    version: '25.04-1',
    os: 'ubuntu-25.04',
    section: 'system',
    headline: 'Ubuntu 25.04 Plucky (standard)',
    description: 'A small Ubuntu 25.04 Plucky Puffin system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
  {
    template: 'ubuntu-26.04-standard_26.04-1_amd64.tar.zst',
    package: 'ubuntu-26.04-standard',
    version: '26.04-1',
    os: 'ubuntu-26.04',
    section: 'system',
    headline: 'Ubuntu 26.04 Resolute (standard)',
    description: 'A small Ubuntu 26.04 Resolute Raccoon system including all standard packages.',
    infopage: 'https://pve.proxmox.com/wiki/Linux_Container#pct_supported_distributions',
  },
]

function defaultImage(row: string): Appliance {
  const [os = '', release = '', version = '', kind = 'default'] = row.split(' ')
  const name = `${os}-${release}-${kind}`
  return {
    template: `${name}_${version}_amd64.tar.xz`,
    package: name,
    version,
    os,
    section: 'system',
    headline: `LXC ${kind} image for ${os} ${release} (${version})`,
    description: '',
    infopage: 'https://linuxcontainers.org',
  }
}

const SOURCE = 'http://download.proxmox.com/images'

const location = ({ section, template }: Appliance) => `${SOURCE}/${section}/${template}`

/** The sums are those of nothing real: no image can be downloaded in the lab. */
const sum = (algorithm: 'md5' | 'sha512', text: string) => createHash(algorithm).update(text).digest('hex')

const CATALOGUE = [...DEFAULT_IMAGES.map(defaultImage), ...STANDARD]

const list = (): Json =>
  CATALOGUE.map((appliance) => ({
    ...appliance,
    type: 'lxc',
    architecture: 'amd64',
    maintainer: 'Proxmox Support Team <support@proxmox.com>',
    source: SOURCE,
    location: location(appliance),
    md5sum: sum('md5', appliance.template),
    sha512sum: sum('sha512', appliance.template),
  }))

function download(ctx: Context): Json {
  const appliance = CATALOGUE.find(({ template }) => template === str(ctx, 'template'))
  if (!appliance) throw badParams({ template: 'no such template' })
  const file = incomingFile(ctx, 'vztmpl', appliance.template)
  return startDownload(ctx, file, location(appliance), sum('sha512', appliance.template))
}

export const routes: Route[] = [
  { method: 'GET', path: '/nodes/{node}/aplinfo', handler: list },
  { method: 'POST', path: '/nodes/{node}/aplinfo', handler: download },
]

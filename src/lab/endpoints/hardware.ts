/** What a host is made of: disks, cards, certificates, packages, machine and CPU types of its QEMU. */
import { X509Certificate } from 'node:crypto'
import type { NodeCertificate } from '../model.ts'
import { sha1Hex } from '../random.ts'
import { bit, type Context, compact, flag, index, optStr, type Route } from '../router.ts'

function disks(ctx: Context) {
  const unusedOnly = optStr(ctx, 'type') === 'unused'
  const whole = ctx.node.hardware.disks
    .filter((disk) => !unusedOnly || disk.used === '')
    .map((disk) =>
      compact({
        devpath: disk.devpath,
        by_id_link: `/dev/disk/by-id/ata-${disk.model.replaceAll(' ', '_')}_${disk.serial}`,
        model: disk.model,
        vendor: disk.vendor,
        serial: disk.serial,
        size: disk.size,
        type: disk.type,
        rpm: disk.rpm,
        health: disk.health,
        wearout: disk.wearout,
        gpt: disk.gpt ? 1 : 0,
        used: disk.used === '' ? undefined : disk.used,
        osdid: -1,
        'osdid-list': null,
        wwn: 'unknown',
      }),
    )
  return flag(ctx, 'include-partitions') ? [...whole, ...partitions(ctx)] : whole
}

const MIB = 1024 ** 2

/** The installer's three on each disk that it used: two to start from, the rest for LVM. */
function partitions({ node }: Context) {
  return node.hardware.disks
    .filter(({ used }) => used === 'LVM')
    .flatMap(({ devpath, size }) =>
      [
        { used: 'BIOS boot', size: MIB },
        { used: 'EFI', size: 1024 * MIB },
        { used: 'LVM', size: size - 1025 * MIB },
      ].map((part, i) => ({
        devpath: `${devpath}${i + 1}`,
        parent: devpath,
        type: 'partition',
        gpt: 1,
        osdid: -1,
        'osdid-list': null,
        ...part,
      })),
    )
}

/** Of the cards of a server; with the IOMMU switched on each device has its group. */
function pci({ node }: Context) {
  const { iommu = true } = node.hardware
  const devices = [
    {
      id: '0000:00:17.0',
      class: '0x010601',
      vendor_name: 'Intel Corporation',
      device_name: 'C620 Series SATA Controller',
    },
    {
      id: '0000:18:00.0',
      class: '0x020000',
      vendor_name: 'Intel Corporation',
      device_name: 'Ethernet Controller X710',
    },
    {
      id: '0000:18:00.1',
      class: '0x020000',
      vendor_name: 'Intel Corporation',
      device_name: 'Ethernet Controller X710',
    },
  ]
  return devices.map((device, i) => ({
    ...device,
    vendor: '0x8086',
    device: i === 0 ? '0xa182' : '0x1572',
    iommugroup: iommu ? 20 + i : -1,
  }))
}

/** `/etc/apt/sources.list.d`; what is set of the standard repositories is `node.repositories`. */
function repositories({ sim, node }: Context) {
  const on = node.repositories ?? { enterprise: true }
  const standard = (['enterprise', 'no-subscription', 'test'] as const).map((handle) => ({
    handle,
    name: { enterprise: 'Enterprise', 'no-subscription': 'No-Subscription', test: 'Test' }[handle],
    description: `The ${handle} repository of Proxmox VE ${sim.pve.version}.`,
    ...(on[handle] === undefined ? {} : { status: bit(on[handle]) }),
  }))
  return { digest: sha1Hex(JSON.stringify(on)), errors: [], files: [], infos: [], 'standard-repos': standard }
}

/** What apt knows to be newer: nothing before somebody has asked the repositories. */
function updates({ node }: Context) {
  return (node.updates ?? []).map(({ name, version, old, origin }) => ({
    Package: name,
    Title: name,
    Description: name,
    Version: version,
    OldVersion: old,
    Origin: origin,
    Section: 'admin',
    Priority: 'optional',
    Arch: 'amd64',
  }))
}

function refresh(ctx: Context) {
  return ctx.task({ type: 'aptupdate' }, async (task) => {
    task.log('starting apt-get update')
    await task.sleep(3)
    const { repositories: on = { enterprise: true } } = ctx.node
    if (on.enterprise && !on['no-subscription'] && !on.test) {
      task.log('Err:1 https://enterprise.proxmox.com/debian/pve trixie InRelease')
      task.log('  401  Unauthorized [IP: 203.0.113.10 443]')
      throw new Error("command 'apt-get update' failed: exit code 100")
    }
    task.log('Reading package lists...')
  })
}

function certificates({ config, node }: Context) {
  return [describe('pve-root-ca.pem', config.authority), describe('pve-ssl.pem', node.certificate)]
}

function describe(filename: string, certificate: NodeCertificate) {
  const { subject, issuer } = new X509Certificate(certificate.pem)
  const slashes = (name: string) => `/${name.trim().split('\n').join('/')}`
  return {
    filename,
    fingerprint: certificate.fingerprint,
    subject: slashes(subject),
    issuer: slashes(issuer),
    san: certificate.sans,
    notbefore: certificate.notBefore,
    notafter: certificate.notAfter,
    pem: certificate.pem,
    'public-key-type': 'id-ecPublicKey',
    'public-key-bits': 256,
  }
}

/** Package, version, section, title; Proxmox's own packages first. */
const PACKAGES: [name: string, version: string, section: string, title: string][] = [
  ['proxmox-ve', '', 'admin', 'Proxmox Virtual Environment'],
  ['pve-manager', '', 'admin', 'Proxmox Virtual Environment Management Tools'],
  ['corosync', '3.1.9-2+deb13u1', 'admin', 'cluster engine daemon and utilities'],
  ['ifupdown2', '3.0.0-1.3', 'admin', 'Network Interface Management tool similar to ifupdown'],
  ['lvm2', '2.03.31-2', 'admin', 'Linux Logical Volume Manager'],
  ['lxcfs', '6.0.4-1+deb13u1', 'admin', 'FUSE based filesystem for LXC'],
  ['smartmontools', '7.4-3', 'utils', 'control and monitor storage systems using S.M.A.R.T.'],
  ['swtpm', '0.7.1-1.5', 'misc', 'Libtpms-based TPM emulator'],
]

function packages({ sim }: Context) {
  return PACKAGES.map(([name, version, section, title]) => ({
    Package: name,
    Version: version || sim.pve.full,
    OldVersion: version || sim.pve.full,
    CurrentState: 'Installed',
    Title: title,
    Description: title,
    Section: section,
    Priority: 'optional',
    Arch: name === 'ifupdown2' ? 'all' : 'amd64',
    Origin: version === '' ? 'Proxmox' : 'Debian',
  }))
}

const CPU_MODELS: Record<string, string> = {
  AuthenticAMD:
    'EPYC EPYC-Genoa EPYC-Genoa-v2 EPYC-IBPB EPYC-Milan EPYC-Milan-v2 EPYC-Milan-v3 EPYC-Rome EPYC-Rome-v2 EPYC-Rome-v3 EPYC-Rome-v4 EPYC-Rome-v5 EPYC-Turin EPYC-v3 EPYC-v4 EPYC-v5 Opteron_G1 Opteron_G2 Opteron_G3 Opteron_G4 Opteron_G5 athlon phenom',
  GenuineIntel:
    '486 Broadwell Broadwell-IBRS Broadwell-noTSX Broadwell-noTSX-IBRS Cascadelake-Server Cascadelake-Server-noTSX Cascadelake-Server-v2 Cascadelake-Server-v4 Cascadelake-Server-v5 ClearwaterForest Conroe Cooperlake Cooperlake-v2 GraniteRapids GraniteRapids-v2 GraniteRapids-v3 Haswell Haswell-IBRS Haswell-noTSX Haswell-noTSX-IBRS Icelake-Client Icelake-Client-noTSX Icelake-Server Icelake-Server-noTSX Icelake-Server-v3 Icelake-Server-v4 Icelake-Server-v5 Icelake-Server-v6 Icelake-Server-v7 IvyBridge IvyBridge-IBRS KnightsMill Nehalem Nehalem-IBRS Penryn SandyBridge SandyBridge-IBRS SapphireRapids SapphireRapids-v2 SapphireRapids-v3 SapphireRapids-v4 SierraForest SierraForest-v2 SierraForest-v3 Skylake-Client Skylake-Client-IBRS Skylake-Client-noTSX-IBRS Skylake-Client-v4 Skylake-Server Skylake-Server-IBRS Skylake-Server-noTSX-IBRS Skylake-Server-v4 Skylake-Server-v5 Westmere Westmere-IBRS core2duo coreduo pentium pentium2 pentium3',
  default: 'host kvm32 kvm64 max qemu32 qemu64 x86-64-v2 x86-64-v2-AES x86-64-v3 x86-64-v4',
}

const cpuModels = () =>
  Object.entries(CPU_MODELS).flatMap(([vendor, names]) =>
    names
      .split(' ')
      .map((name) => compact({ name, vendor, custom: 0, abstract: name.startsWith('x86-64-') ? 1 : undefined })),
  )

/** What changed in Proxmox's own revisions of QEMU's machine versions. */
const MACHINE_CHANGES: Record<string, string> = {
  '10.0+pve1': 'Set host_mtu vNIC option even with default value for migration compat.',
  '9.2+pve1': 'Disables S3/S4 power states by default.',
  '4.1+pve2': 'Increases the number of SCSI drives supported.',
  '4.1+pve1': 'Introduction of pveX versioning, no changes.',
}
const MACHINE_VERSIONS =
  '10.0+pve1 10.0 9.2+pve1 9.2 9.1 9.0 8.2 8.1 8.0 7.2 7.1 7.0 6.2 6.1 6.0 5.2 5.1 5.0 4.2 4.1+pve2 4.1+pve1 4.1 4.0 3.1 3.0 2.12 2.11 2.10 2.9 2.8 2.7 2.6 2.5 2.4'

const machines = () =>
  MACHINE_VERSIONS.split(' ').flatMap((version) =>
    ['q35', 'i440fx'].map((type) =>
      compact({ id: `pc-${type}-${version}`, type, version, changes: MACHINE_CHANGES[version] }),
    ),
  )

export const routes: Route[] = [
  {
    method: 'GET',
    path: '/nodes/{node}/disks',
    handler: index('name', 'list', 'initgpt', 'smart', 'lvm', 'lvmthin', 'directory', 'zfs', 'wipedisk'),
  },
  { method: 'GET', path: '/nodes/{node}/disks/list', handler: disks },
  { method: 'GET', path: '/nodes/{node}/certificates', handler: index('name', 'acme', 'custom', 'info') },
  { method: 'GET', path: '/nodes/{node}/certificates/info', handler: certificates },
  { method: 'GET', path: '/nodes/{node}/apt', handler: index('id', 'changelog', 'repositories', 'update', 'versions') },
  { method: 'GET', path: '/nodes/{node}/apt/repositories', handler: repositories },
  { method: 'GET', path: '/nodes/{node}/apt/update', handler: updates },
  { method: 'POST', path: '/nodes/{node}/apt/update', handler: refresh },
  { method: 'GET', path: '/nodes/{node}/apt/versions', handler: packages },
  { method: 'GET', path: '/nodes/{node}/hardware', handler: index('type', 'pci', 'usb') },
  { method: 'GET', path: '/nodes/{node}/hardware/pci', handler: pci },
  { method: 'GET', path: '/nodes/{node}/capabilities', handler: index('name', 'qemu') },
  { method: 'GET', path: '/nodes/{node}/capabilities/qemu', handler: index('name', 'cpu', 'machines', 'migration') },
  { method: 'GET', path: '/nodes/{node}/capabilities/qemu/cpu', handler: cpuModels },
  { method: 'GET', path: '/nodes/{node}/capabilities/qemu/machines', handler: machines },
]

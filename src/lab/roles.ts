/** The built-in roles of Proxmox VE 9 with their privileges, as GET /access/roles lists them. */

const VM_CONFIG = ['CDROM', 'CPU', 'Cloudinit', 'Disk', 'HWType', 'Memory', 'Network', 'Options'].map(
  (part) => `VM.Config.${part}`,
)
const GUEST_AGENT = ['Audit', 'FileRead', 'FileSystemMgmt', 'FileWrite', 'Unrestricted'].map(
  (part) => `VM.GuestAgent.${part}`,
)
const VM = [
  ...['VM.Allocate', 'VM.Audit', 'VM.Backup', 'VM.Clone', 'VM.Console', 'VM.Migrate', 'VM.PowerMgmt', 'VM.Replicate'],
  ...['VM.Snapshot', 'VM.Snapshot.Rollback'],
  ...VM_CONFIG,
  ...GUEST_AGENT,
]
const DATASTORE = ['Datastore.Allocate', 'Datastore.AllocateSpace', 'Datastore.AllocateTemplate', 'Datastore.Audit']
const SDN = ['SDN.Allocate', 'SDN.Audit', 'SDN.Use']
const MAPPING = ['Mapping.Audit', 'Mapping.Modify', 'Mapping.Use']
const POOL = ['Pool.Allocate', 'Pool.Audit']
const SYS_READ = ['Sys.Audit', 'Sys.Console', 'Sys.Syslog']
const USER = ['Group.Allocate', 'Realm.AllocateUser', 'User.Modify']
const MAPPING_USE = ['Mapping.Audit', 'Mapping.Use']

const ADMIN = [...DATASTORE, ...USER, ...MAPPING_USE, ...POOL, ...SDN, ...SYS_READ, ...VM]

/** Only Administrator holds these. */
const ROOT_ONLY = [
  ...['Mapping.Modify', 'Permissions.Modify', 'Realm.Allocate'],
  ...['Sys.AccessNetwork', 'Sys.Incoming', 'Sys.Modify', 'Sys.PowerMgmt'],
]

export const BUILT_IN_ROLES: Readonly<Record<string, readonly string[]>> = {
  Administrator: [...ADMIN, ...ROOT_ONLY],
  NoAccess: [],
  PVEAdmin: ADMIN,
  PVEAuditor: [
    ...['Datastore.Audit', 'Mapping.Audit', 'Pool.Audit', 'SDN.Audit', 'Sys.Audit', 'VM.Audit', 'VM.GuestAgent.Audit'],
  ],
  PVEDatastoreAdmin: DATASTORE,
  PVEDatastoreUser: ['Datastore.AllocateSpace', 'Datastore.Audit'],
  PVEMappingAdmin: MAPPING,
  PVEMappingUser: MAPPING_USE,
  PVEPoolAdmin: POOL,
  PVEPoolUser: ['Pool.Audit'],
  PVESDNAdmin: SDN,
  PVESDNUser: ['SDN.Audit', 'SDN.Use'],
  PVESysAdmin: SYS_READ,
  PVETemplateUser: ['VM.Audit', 'VM.Clone'],
  PVEUserAdmin: USER,
  PVEVMAdmin: VM,
  PVEVMUser: [
    ...['VM.Audit', 'VM.Backup', 'VM.Config.CDROM', 'VM.Config.Cloudinit', 'VM.Console', 'VM.PowerMgmt'],
    ...GUEST_AGENT.filter((priv) => priv !== 'VM.GuestAgent.Unrestricted'),
  ],
}

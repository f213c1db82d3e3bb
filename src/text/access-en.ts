/** Why a change of rights or realms is refused, said alike before the order and by the job. */
export const accessErrorsEn = {
  'access-who': { says: 'There is no user, group or token "{given}". There is: {near}.', hint: 'access list' },
  'access-path': {
    says: '"{given}" is no path of Proxmox\'s access control.',
    hint: 'access list path:/vms/100   # or /, /pool/NAME, /nodes/NAME, /storage/NAME',
  },
  'access-absent': {
    says: 'There is no {what}, so a right there would reach nothing.',
    hint: 'status   # what there is',
  },
  'access-role': { says: 'There is no role "{given}". There is: {roles}.', hint: 'help access grant' },
  'access-ours': {
    says: '{who} is Quorum itself: this would change what the bot may do ({own}). It is not done unsaid.',
    hint: '{line} ours:yes',
  },
  'access-everything': {
    says: 'The role {role} on {path} makes {who} master of the whole cluster: it may give rights to anybody, itself included.',
    hint: '{line} everything:yes',
  },
  'access-wish': {
    says: '"{given}" is nothing that a role could be looked for. There is: {wishes}, or a command of Quorum or its group.',
    hint: 'access grant … may:power',
  },
  'access-wish-elsewhere': {
    says: 'A right on {path} is not what "{given}" asks for: {wanted}.',
    hint: 'access grant … path:/ may:"{given}"',
  },
  'no-access-token': {
    says: 'No token for managing access is configured for {cluster}; no other token stands in for it.',
    hint: 'Under clusters: tokens: { access: { id: quorum-access@pve!access, secret: … } }   # docs/least-privilege.md makes it',
  },
  'unknown-realm': { says: 'There is no realm "{given}". There is: {realms}.', hint: 'access realm list' },
  'realm-kind': {
    says: 'Realm {realm} is of type {type}: only Active Directory (ad) and LDAP (ldap) have accounts to look through.',
    hint: 'access realm list',
  },
  'realm-login': {
    says: 'The directory {server} does not take the account {bind} with the password that it was given.',
    hint: 'access realm add {realm} …   # asks for the password again',
  },
  'realm-silent': {
    says: 'The directory {server} does not answer the node.',
    hint: 'nc -zv {server} 636   # in a shell on a node; 389 for mode:ldap',
  },
} as const

/** Why hosts do not come together; shared by the commands and workers of the group `cluster`. */
export const clusterErrorsEn = {
  'unknown-host': {
    says: 'The configuration knows no host "{given}". It has: {hosts}.',
    hint: 'hosts: [{ name: {given}, endpoint: https://ADDRESS:8006 }]   # in quorum.yaml, then restart bot and worker',
  },
  'root-password': {
    says: "root's password of {place} is not right. Nothing was changed.",
    hint: 'Correct it under `hosts:` or `root:` in quorum.yaml, or leave it out there and be asked.',
  },
  'root-second-factor': {
    says: "root@pam of {place} has a second factor, which Proxmox's API cannot pass when a host joins. Nothing was changed.",
    hint: 'pvecm add {member} --use_ssh   # on {host}, in a shell',
  },
  'join-other-host': {
    says: 'The machine at the address of {host} calls itself {now}.',
    hint: 'Correct `endpoint:` of {host} under `hosts:` in quorum.yaml.',
  },
  'join-in-cluster': {
    says: '{host} is in a cluster already: {other}. Nothing was changed.',
    hint: 'pvecm status   # on {host}. To free a host: https://pve.proxmox.com/pve-docs/chapter-pvecm.html#_remove_a_cluster_node',
  },
  'join-name-taken': {
    says: 'Cluster {cluster} already has a node called {host}, and this machine is not part of it: an earlier join broke off, or the name is given twice.',
    hint: 'pvecm delnode {host}   # on a member, if no machine of that name is to come back; then cluster join {host}',
  },
  'join-guests': {
    says: '{host} holds machines or containers ({count}). A host that joins must hold none, since their numbers could exist twice. Nothing was changed.',
    hint: 'vzdump --all --storage STORAGE && qm destroy VMID   # on {host}; restore them after the join',
  },
  'join-guests-found': {
    says: '{host} says that it has machines or containers. A host that joins must have none, since their numbers could exist twice. Nothing was changed.',
    hint: 'vzdump --all --storage STORAGE && qm destroy VMID   # on {host}; restore them after the join',
  },
  'join-link-found': {
    says: '{link}: {host} says that the address {address} is on none of its cards. Nothing was changed.',
    hint: 'ip -br address   # on {host}; then: cluster join {host} {link}:ADDRESS',
  },
  'join-in-cluster-found': {
    says: '{host} says that it is in a cluster already, or has files of one. Nothing was changed.',
    hint: 'pvecm status   # on {host}. To set a host free: https://pve.proxmox.com/pve-docs/chapter-pvecm.html#_remove_a_cluster_node',
  },
  'join-version': {
    says: '{host} runs Proxmox VE {its}, the cluster {theirs}. They must be the same.',
    hint: 'apt update && apt full-upgrade   # on the older one, then restart it',
  },
  'join-version-line': {
    says: '{host} and the cluster do not speak the same version of the join. Nothing was changed.',
    hint: 'apt update && apt full-upgrade   # on the older one, then restart it',
  },
  'join-clock': {
    says: "The clock of {host} differs from the cluster's by {seconds} s; at most {most} s are safe.",
    hint: 'chronyc makestep   # on {host}',
  },
  'join-hosts-file': {
    says: '/etc/hosts of {host} leads its own name to {address}, which is no address of its cards: the others would not find it.',
    hint: 'nano /etc/hosts   # on {host}: put the address of its card before its name',
  },
  'join-link': {
    says: '{link}: the address {address} is on none of the cards of {host}. Nothing was changed.',
    hint: 'ip -br address   # on {host}; it has: {addresses}',
  },
  'join-range': {
    says: "{link} of {host} ({addresses}) does not lie in the cluster's range {range}: they could not reach each other.",
    hint: 'Give {host} an address in {range}, or name the right one: cluster join {host} {link}:ADDRESS',
  },
  'join-would-lose': {
    says: '{host} would lose what the cluster does not have: {lost}. A join replaces its users, tokens and storages by those of the cluster. Nothing was changed.',
    hint: 'cluster join {host} lose:yes',
  },
  'join-fingerprint': {
    says: '{member} shows another certificate than the one its cluster names. Nothing was changed; somebody may stand in between.',
    hint: 'pvenode cert info   # on {member}: compare the fingerprint, then cluster join {host}',
  },
  'join-unreachable': {
    says: '{host} cannot reach {member} at {address}: no route, or a firewall. Nothing was changed.',
    hint: 'ping {address}   # on {host}; ports 8006/tcp and 5405-5412/udp must be open',
  },
  'join-busy': {
    says: "Another change holds the lock of the cluster's configuration. Nothing was changed.",
    hint: 'cluster join {host}   # again in a minute',
  },
  'join-failed': {
    says: 'Proxmox ended the join of {host} with an error.',
    hint: 'job log {job}',
  },
  'join-half-done': {
    says: '{host} stands in the configuration of {cluster}, but its join broke off.',
    hint: 'pvecm delnode {host}   # on {member}; then on {host}: systemctl stop pve-cluster corosync; pmxcfs -l; rm /etc/pve/corosync.conf; rm -r /etc/corosync/*; killall pmxcfs; systemctl start pve-cluster',
  },
  'join-no-vote': {
    says: '{host} was added to {cluster}, but after {seconds} s no member sees it vote with quorum. What it still lacks is not known.',
    hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # on {host} and {member}; when it votes: cluster join {host}',
  },
  'own-cluster': {
    says: '{node} is in the cluster "{cluster}" already.',
    hint: 'cluster info',
  },
  'no-own-cluster': {
    says: '{node} is in no cluster yet.',
    hint: 'cluster create NAME first:{node}',
  },
  'leave-online': {
    says: '{by} sees {node} online. Only a node that is off for good can be taken out.',
    hint: 'host shutdown {node}   # then pull its power and its network cable',
  },
  'leave-one-witness': {
    says: 'Only {by} could be asked about {node}, and a member that is cut off calls all others offline. Two must say so.',
    hint: 'endpoints: [https://ADDRESS1:8006, https://ADDRESS2:8006]   # of {cluster}, in quorum.yaml; or bring another member back',
  },
  'leave-no-majority': {
    says: 'Without {node}, only {here} of {all} votes of {cluster} would be there: no majority.',
    hint: 'quorum   # bring the other nodes back first',
  },
  'leave-guests': {
    says: 'Machines still belong to {node}: {guests}. They would be lost to the cluster.',
    hint: 'mv /etc/pve/nodes/{node}/qemu-server/{first}.conf /etc/pve/nodes/OTHER/qemu-server/   # only if its disks are on shared storage; else restore it from a backup',
  },
  'leave-ha': {
    says: 'HA rules or groups still name {node}: {rules}.',
    hint: 'ha unrule {first}',
  },
  'leave-replication': {
    says: 'Machines are still replicated to {node}: {jobs}.',
    hint: 'pvesr delete {first} --force',
  },
  'leave-ceph': {
    says: '{node} still carries a part of Ceph, which would miss it.',
    hint: 'ceph -s   # remove its OSDs, monitor, manager and metadata server first',
  },
  'leave-qdevice': {
    says: 'The cluster has a QDevice, which must be taken out before a node is, and set up anew afterwards.',
    hint: 'pvecm qdevice remove',
  },
} as const

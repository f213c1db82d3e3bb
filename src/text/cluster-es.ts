/** Por qué los equipos no se juntan; de los comandos y trabajos del grupo `cluster`. */
export const clusterErrorsEs = {
  'unknown-host': {
    says: 'La configuración no conoce ningún equipo «{given}». Tiene: {hosts}.',
    hint: 'hosts: [{ name: {given}, endpoint: https://ADDRESS:8006 }]   # en quorum.yaml; luego reinicia bot y worker',
  },
  'root-password': {
    says: 'La contraseña de root de {place} no es correcta. No se cambió nada.',
    hint: 'Corrígela bajo `hosts:` o `root:` en quorum.yaml, o quítala de ahí y se te pedirá.',
  },
  'root-second-factor': {
    says: 'root@pam de {place} tiene un segundo factor, que la API de Proxmox no puede pasar cuando un equipo se une. No se cambió nada.',
    hint: 'pvecm add {member} --use_ssh   # en {host}, en una consola',
  },
  'join-other-host': {
    says: 'La máquina en la dirección de {host} dice llamarse {now}.',
    hint: 'Corrige `endpoint:` de {host} bajo `hosts:` en quorum.yaml.',
  },
  'join-in-cluster': {
    says: '{host} ya está en un clúster: {other}. No se cambió nada.',
    hint: 'pvecm status   # en {host}. Para liberar un equipo: https://pve.proxmox.com/pve-docs/chapter-pvecm.html#_remove_a_cluster_node',
  },
  'join-name-taken': {
    says: 'El clúster {cluster} ya tiene un nodo llamado {host}, y esta máquina no es parte de él: una unión anterior se cortó, o el nombre está repetido.',
    hint: 'pvecm delnode {host}   # en un miembro, si ninguna máquina de ese nombre va a volver; luego cluster join {host}',
  },
  'join-guests': {
    says: '{host} tiene máquinas o contenedores ({count}). Un equipo que se une no debe tener ninguno, porque sus números podrían existir dos veces. No se cambió nada.',
    hint: 'vzdump --all --storage STORAGE && qm destroy VMID   # en {host}; restáuralos después de la unión',
  },
  'join-guests-found': {
    says: '{host} dice que tiene máquinas o contenedores. Un equipo que se une no debe tener ninguno, porque sus números podrían existir dos veces. No se cambió nada.',
    hint: 'vzdump --all --storage STORAGE && qm destroy VMID   # en {host}; restáuralos después de la unión',
  },
  'join-link-found': {
    says: '{link}: {host} dice que la dirección {address} no está en ninguna de sus tarjetas. No se cambió nada.',
    hint: 'ip -br address   # en {host}; luego: cluster join {host} {link}:ADDRESS',
  },
  'join-in-cluster-found': {
    says: '{host} dice que ya está en un clúster, o tiene archivos de uno. No se cambió nada.',
    hint: 'pvecm status   # en {host}. Para liberar un equipo: https://pve.proxmox.com/pve-docs/chapter-pvecm.html#_remove_a_cluster_node',
  },
  'join-version': {
    says: '{host} tiene Proxmox VE {its} y el clúster {theirs}. Deben ser iguales.',
    hint: 'apt update && apt full-upgrade   # en el más antiguo; luego reinícialo',
  },
  'join-version-line': {
    says: '{host} y el clúster no hablan la misma versión de la unión. No se cambió nada.',
    hint: 'apt update && apt full-upgrade   # en el más antiguo; luego reinícialo',
  },
  'join-clock': {
    says: 'El reloj de {host} difiere del del clúster en {seconds} s; hasta {most} s no hay peligro.',
    hint: 'chronyc makestep   # en {host}',
  },
  'join-hosts-file': {
    says: '/etc/hosts de {host} lleva su propio nombre a {address}, que no es una dirección de sus tarjetas: los demás no lo encontrarían.',
    hint: 'nano /etc/hosts   # en {host}: pon la dirección de su tarjeta delante de su nombre',
  },
  'join-link': {
    says: '{link}: la dirección {address} no está en ninguna tarjeta de {host}. No se cambió nada.',
    hint: 'ip -br address   # en {host}; tiene: {addresses}',
  },
  'join-range': {
    says: '{link} de {host} ({addresses}) no está en el rango {range} del clúster: no podrían alcanzarse.',
    hint: 'Dale a {host} una dirección en {range}, o nombra la correcta: cluster join {host} {link}:ADDRESS',
  },
  'join-would-lose': {
    says: '{host} perdería lo que el clúster no tiene: {lost}. Al unirse, sus usuarios, tokens y almacenamientos se reemplazan por los del clúster. No se cambió nada.',
    hint: 'cluster join {host} lose:yes',
  },
  'join-fingerprint': {
    says: '{member} muestra otro certificado que el que su clúster nombra. No se cambió nada; puede haber alguien en medio.',
    hint: 'pvenode cert info   # en {member}: compara la huella digital; luego cluster join {host}',
  },
  'join-unreachable': {
    says: '{host} no alcanza a {member} en {address}: no hay ruta, o hay un cortafuegos. No se cambió nada.',
    hint: 'ping {address}   # en {host}; los puertos 8006/tcp y 5405-5412/udp deben estar abiertos',
  },
  'join-busy': {
    says: 'Otro cambio tiene el bloqueo de la configuración del clúster. No se cambió nada.',
    hint: 'cluster join {host}   # otra vez en un minuto',
  },
  'join-failed': {
    says: 'Proxmox terminó la unión de {host} con un error.',
    hint: 'job log {job}',
  },
  'join-half-done': {
    says: '{host} figura en la configuración de {cluster}, pero su unión se cortó.',
    hint: 'pvecm delnode {host}   # en {member}; luego en {host}: systemctl stop pve-cluster corosync; pmxcfs -l; rm /etc/pve/corosync.conf; rm -r /etc/corosync/*; killall pmxcfs; systemctl start pve-cluster',
  },
  'join-no-vote': {
    says: '{host} se añadió a {cluster}, pero después de {seconds} s ningún miembro lo ve votar con quórum. Qué le falta no se sabe.',
    hint: 'pvecm status; journalctl -u corosync -u pve-cluster   # en {host} y {member}; cuando vote: cluster join {host}',
  },
  'own-cluster': {
    says: '{node} ya está en el clúster «{cluster}».',
    hint: 'cluster info',
  },
  'no-own-cluster': {
    says: '{node} no está todavía en ningún clúster.',
    hint: 'cluster create NAME first:{node}',
  },
  'leave-online': {
    says: '{by} ve a {node} en línea. Solo se puede sacar un nodo que está apagado para siempre.',
    hint: 'host shutdown {node}   # luego quítale la corriente y el cable de red',
  },
  'leave-one-witness': {
    says: 'Solo se pudo preguntar a {by} por {node}, y un miembro aislado da a todos los demás por apagados. Lo tienen que decir dos.',
    hint: 'endpoints: [https://ADDRESS1:8006, https://ADDRESS2:8006]   # de {cluster}, en quorum.yaml; o haz volver a otro miembro',
  },
  'leave-no-majority': {
    says: 'Sin {node} solo estarían {here} de {all} votos de {cluster}: no es mayoría.',
    hint: 'quorum   # haz volver antes a los otros nodos',
  },
  'leave-guests': {
    says: 'Todavía hay máquinas de {node}: {guests}. El clúster las perdería.',
    hint: 'mv /etc/pve/nodes/{node}/qemu-server/{first}.conf /etc/pve/nodes/OTHER/qemu-server/   # solo si sus discos están en un almacenamiento compartido; si no, restáurala de un respaldo',
  },
  'leave-ha': {
    says: 'Reglas o grupos de HA todavía nombran a {node}: {rules}.',
    hint: 'ha unrule {first}',
  },
  'leave-replication': {
    says: 'Todavía se replican máquinas hacia {node}: {jobs}.',
    hint: 'pvesr delete {first} --force',
  },
  'leave-ceph': {
    says: '{node} todavía lleva una parte de Ceph, que la echaría en falta.',
    hint: 'ceph -s   # quita antes sus OSD, monitor, manager y servidor de metadatos',
  },
  'leave-qdevice': {
    says: 'El clúster tiene un QDevice, que se debe quitar antes de sacar un nodo y configurar de nuevo después.',
    hint: 'pvecm qdevice remove',
  },
} as const

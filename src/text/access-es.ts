import type { Same } from '../core/language.ts'
import type { accessErrorsEn } from './access-en.ts'

export const accessErrorsEs: Same<typeof accessErrorsEn> = {
  'access-who': { says: 'No hay usuario, grupo ni token «{given}». Hay: {near}.', hint: 'access list' },
  'access-path': {
    says: '«{given}» no es una ruta del control de acceso de Proxmox.',
    hint: 'access list path:/vms/100   # o /, /pool/NOMBRE, /nodes/NOMBRE, /storage/NOMBRE',
  },
  'access-absent': {
    says: 'No hay {what}, así que un permiso ahí no alcanzaría nada.',
    hint: 'status   # lo que hay',
  },
  'access-role': { says: 'No hay un rol «{given}». Hay: {roles}.', hint: 'help access grant' },
  'access-ours': {
    says: '{who} es el propio Quorum: esto cambiaría lo que el bot puede hacer ({own}). No se hace sin decirlo.',
    hint: '{line} ours:yes',
  },
  'access-everything': {
    says: 'El rol {role} en {path} hace a {who} dueño de todo el clúster: puede dar permisos a cualquiera, también a sí mismo.',
    hint: '{line} everything:yes',
  },
  'access-wish': {
    says: '«{given}» no es algo para lo que se pueda buscar un rol. Hay: {wishes}, o un comando de Quorum o su grupo.',
    hint: 'access grant … may:power',
  },
  'access-wish-elsewhere': {
    says: 'Un permiso en {path} no es lo que pide «{given}»: {wanted}.',
    hint: 'access grant … path:/ may:"{given}"',
  },
  'no-access-token': {
    says: 'No hay un token para administrar accesos configurado para {cluster}; ningún otro lo reemplaza.',
    hint: 'Bajo clusters: tokens: { access: { id: quorum-access@pve!access, secret: … } }   # docs/least-privilege.md lo crea',
  },
  'unknown-realm': {
    says: 'No hay un dominio de autenticación «{given}». Hay: {realms}.',
    hint: 'access realm list',
  },
  'realm-kind': {
    says: 'El dominio {realm} es de tipo {type}: solo Active Directory (ad) y LDAP (ldap) tienen cuentas que mirar.',
    hint: 'access realm list',
  },
  'realm-login': {
    says: 'El directorio {server} no acepta la cuenta {bind} con la contraseña que se le dio.',
    hint: 'access realm add {realm} …   # pide la contraseña otra vez',
  },
  'realm-silent': {
    says: 'El directorio {server} no le responde al nodo.',
    hint: 'nc -zv {server} 636   # en una consola de un nodo; 389 con mode:ldap',
  },
}

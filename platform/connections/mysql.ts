import { createRequire } from 'node:module';
import { checkServerIdentity, type PeerCertificate, type TLSSocket } from 'node:tls';
import { AddressError, isLoopback, parseServerUrl, readCertificates, serverNameOf } from './server-url.ts';

/**
 * How a connection to MySQL or MariaDB is protected, with MySQL's names. disabled: not encrypted. required: encrypted.
 * verify-ca: encrypted, with a certificate of a known authority. verify-identity: the certificate must also name the
 * host.
 */
export const SSL_MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** DATABASE_URL takes precedence over the variables, also for the TLS settings that it contains. */
export interface DatabaseAddress {
  DATABASE_URL?: string | undefined;
  MYSQL_HOST?: string;
  MYSQL_PORT?: number;
  MYSQL_USER?: string;
  MYSQL_PASSWORD?: string;
  MYSQL_DATABASE?: string;
  MYSQL_SSL_MODE?: string | undefined;
  MYSQL_SSL_CA?: string | undefined;
}

const SCHEMES = ['mysql', 'mariadb'];
const DEFAULT_PORT = 3306;
const PARAMETERS = ['ssl-mode', 'ssl-ca', 'socket'];

/** Combines the address of a database and its TLS settings in one URL. @throws AddressError */
export function databaseUrl(address: DatabaseAddress): string {
  const text = address.DATABASE_URL ?? urlOfVariables(address);
  parseServerUrl(text, SCHEMES, DEFAULT_PORT);
  const url = new URL(text);
  const { MYSQL_SSL_MODE: mode, MYSQL_SSL_CA: ca, MYSQL_DATABASE: database } = address;
  if (mode && !url.searchParams.has('ssl-mode')) url.searchParams.set('ssl-mode', mode);
  if (ca && !url.searchParams.has('ssl-ca')) url.searchParams.set('ssl-ca', ca);
  if (database && url.pathname.length <= 1) url.pathname = encodeURIComponent(database);
  return url.href;
}

function urlOfVariables(address: DatabaseAddress): string {
  const { MYSQL_HOST: host = '', MYSQL_PORT: port, MYSQL_USER: user = '', MYSQL_PASSWORD: password = '' } = address;
  const account = [user, password].map(encodeURIComponent).join(':');
  return `mysql://${account}@${host.includes(':') ? `[${host}]` : host}:${port}/`;
}

/**
 * The driver's options for every pool and every single connection: server, account and TLS. Without `ssl-mode`, a
 * connection with `ssl-ca` verifies the server's certificate, a connection within this machine is plain, and any other
 * is encrypted. A connection to another machine is never plain.
 * @throws AddressError
 */
export function driverOptions(url: string) {
  const { host, port, user, password, path, parameters } = parseServerUrl(url, SCHEMES, DEFAULT_PORT);
  const unknown = [...parameters.keys()].filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) {
    throw new AddressError(
      `has unknown parameters: ${unknown.join(', ')}; the known ones are ${PARAMETERS.join(', ')}`,
    );
  }
  const socketPath = parameters.get('socket');
  const isLocal = socketPath !== null || isLoopback(host);
  const caFile = parameters.get('ssl-ca');
  const mode = modeOf(parameters.get('ssl-mode') ?? (caFile ? 'verify-ca' : isLocal ? 'disabled' : 'required'));
  if (mode === 'disabled' && !isLocal) {
    throw new AddressError('ssl-mode disabled is allowed for this machine only; use required or stricter');
  }
  return {
    ...(socketPath === null ? { host, port } : { socketPath }),
    user,
    password,
    database: path,
    // The driver does not verify this key. On a network an attacker in between could send a different one.
    allowPublicKeyRetrieval: isLocal,
    // A server could redirect the session, and with it the password, to any other server.
    permitRedirect: false,
    ...(mode !== 'disabled' && { ssl: tlsOptions(mode, caFile, host) }),
  };
}

/** Also accepts the spelling of MySQL's own tools, such as VERIFY_CA. */
function modeOf(text: string): SslMode {
  const mode = SSL_MODES.find((one) => one === text.toLowerCase().replace('_', '-'));
  if (mode === undefined) throw new AddressError(`ssl-mode must be one of ${SSL_MODES.join(', ')}`);
  return mode;
}

/** @throws AddressError when the mode and the file contradict each other */
function tlsOptions(mode: SslMode, caFile: string | null, host: string) {
  if (mode === 'required') {
    if (caFile) throw new AddressError('ssl-ca has no effect with ssl-mode required; use verify-ca or verify-identity');
    return { ...serverNameOf(host), rejectUnauthorized: false };
  }
  if (mode === 'verify-ca' && !caFile) {
    throw new AddressError('ssl-mode verify-ca needs ssl-ca, a file with the certificate of the authority');
  }
  return {
    ...serverNameOf(host),
    rejectUnauthorized: true,
    ...(caFile && { ca: readCertificates(caFile, 'ssl-ca') }),
    // The driver does not pass on the host. For an IP address Node would then check the name "localhost".
    checkServerIdentity: (_name: string, certificate: PeerCertificate) =>
      mode === 'verify-ca' ? undefined : checkServerIdentity(host, certificate),
  };
}

/** The methods of the driver's connections that verifyBeforeLogIn needs. createSecureContext starts TLS. */
interface DriverConnection {
  createSecureContext(info: { requireValidCert?: boolean }, begun: () => void): void;
  getSocket(): TLSSocket;
}

/**
 * Verifies the certificate before the log-in. The driver itself does not do this for a server that identifies itself as
 * MariaDB: it first sends the password, even in clear text if the server requests that, and then checks the
 * certificate.
 */
function verifyBeforeLogIn(prototype: DriverConnection): void {
  const { createSecureContext } = prototype;
  prototype.createSecureContext = function (info, begun) {
    createSecureContext.call(this, info, () => {
      const socket = this.getSocket();
      if (!info.requireValidCert || socket.authorized) return begun();
      socket.destroy(new Error(`The database's certificate was refused: ${socket.authorizationError}`));
    });
  };
}

verifyBeforeLogIn(createRequire(import.meta.url)('mariadb/lib/connection.js').prototype);

import { createRequire } from 'node:module';
import { checkServerIdentity, type PeerCertificate, type SecureContextOptions, type TLSSocket } from 'node:tls';
import type { ConnectionConfig } from 'mariadb';
import { AddressError, isLoopback, parseServerUrl, readCertificates, serverNameOf } from './server-url.ts';

/**
 * How a connection to MySQL or MariaDB is protected, in MySQL's own words: not at all; encrypted; also with a
 * certificate of a known authority; also with one for the very host.
 */
export const SSL_MODES = ['disabled', 'required', 'verify-ca', 'verify-identity'] as const;
export type SslMode = (typeof SSL_MODES)[number];

/** DATABASE_URL wins over the variables, also with what it says about TLS. */
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

/** One URL for the whole address of a database, TLS included. @throws AddressError */
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
 * Where a connection goes, as whom, and how it is protected: for every pool and every single connection. Without
 * `ssl-mode`, a connection that stays on this machine is plain, one with `ssl-ca` verifies the server's certificate, any
 * other is encrypted. A connection to another machine is never plain.
 * @throws AddressError
 */
export function driverOptions(url: string): DriverOptions {
  const { host, port, user, password, path, parameters } = parseServerUrl(url, SCHEMES, DEFAULT_PORT);
  const unknown = [...parameters.keys()].filter((name) => !PARAMETERS.includes(name));
  if (unknown.length > 0) {
    throw new AddressError(
      `has parameters that are not known: ${unknown.join(', ')}; known are ${PARAMETERS.join(', ')}`,
    );
  }
  const socketPath = parameters.get('socket');
  const isLocal = socketPath !== null || isLoopback(host);
  const caFile = parameters.get('ssl-ca');
  const mode = modeOf(parameters.get('ssl-mode') ?? (caFile ? 'verify-ca' : isLocal ? 'disabled' : 'required'));
  if (mode === 'disabled' && !isLocal) {
    throw new AddressError('ssl-mode disabled is for this machine only; other hosts take required or stricter');
  }
  const options = {
    ...(socketPath === null ? { host, port } : { socketPath }),
    user,
    password,
    database: path,
    // The server's key is taken unseen: over a network, whoever is in between could send one of their own.
    allowPublicKeyRetrieval: isLocal,
    // A server could send the session, and with it the password, to any other.
    permitRedirect: false,
    ...(mode !== 'disabled' && { ssl: tlsOptions(mode, caFile, host) }),
  };
  return options;
}

/** Also what the driver's types leave out. */
type DriverOptions = Pick<
  ConnectionConfig,
  'host' | 'port' | 'socketPath' | 'user' | 'password' | 'database' | 'allowPublicKeyRetrieval' | 'ssl'
> & { permitRedirect: boolean };

interface TlsOptions extends SecureContextOptions {
  rejectUnauthorized: boolean;
  servername?: string;
  checkServerIdentity?: (name: string, certificate: PeerCertificate) => Error | undefined;
}

/** MySQL's own tools write VERIFY_CA. */
function modeOf(text: string): SslMode {
  const mode = SSL_MODES.find((one) => one === text.toLowerCase().replace('_', '-'));
  if (mode === undefined) throw new AddressError(`ssl-mode takes ${SSL_MODES.join(', ')}`);
  return mode;
}

/** @throws AddressError when the mode and the file contradict each other */
function tlsOptions(mode: SslMode, caFile: string | null, host: string): TlsOptions {
  if (mode === 'required') {
    if (caFile)
      throw new AddressError('ssl-ca verifies nothing with ssl-mode required; use verify-ca or verify-identity');
    return { ...serverNameOf(host), rejectUnauthorized: false };
  }
  if (mode === 'verify-ca' && !caFile) {
    throw new AddressError('ssl-mode verify-ca needs ssl-ca, a file with the certificate of the authority');
  }
  return {
    ...serverNameOf(host),
    rejectUnauthorized: true,
    ...(caFile && { ca: readCertificates(caFile, 'ssl-ca') }),
    // The driver does not hand on the host, and Node would take an address for "localhost".
    checkServerIdentity: (_name, certificate) =>
      mode === 'verify-ca' ? undefined : checkServerIdentity(host, certificate),
  };
}

/** The one method of the driver's connections that begins TLS. */
interface DriverConnection {
  createSecureContext(info: { requireValidCert?: boolean }, begun: () => void): void;
  getSocket(): TLSSocket;
}

/**
 * Verifies the certificate before the log-in. By itself the driver skips this for a server that says it is MariaDB, and
 * sends such a server the password, in clear if the server asks for that, before it looks at the certificate.
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

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** The address of a server, or what goes with it, is not usable. The message quotes no value: it may hold a secret. */
export class AddressError extends Error {}

/** A server's URL, taken apart; user, password and path are percent-decoded. */
export interface ServerUrl {
  readonly scheme: string;
  /** Without the brackets of an IPv6 address. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Without its first slash. */
  readonly path: string;
  readonly parameters: URLSearchParams;
}

/**
 * Takes a URL apart that names a server.
 * @throws AddressError for any other scheme, and for what `new URL` accepts but a forgotten percent-encoding of a
 *   password explains better
 */
export function parseServerUrl(text: string, schemes: readonly string[], defaultPort: number): ServerUrl {
  const url = URL.parse(text);
  const scheme = url?.protocol.slice(0, -1) ?? '';
  if (!url?.hostname || !schemes.includes(scheme)) {
    throw new AddressError(`must be an address like ${schemes[0]}://user:password@host:${defaultPort}`);
  }
  if (url.hash !== '' || `${url.pathname}${url.search}`.includes('@')) {
    throw new AddressError('has a character in its user or password that must be percent-encoded');
  }
  return {
    scheme,
    host: decoded(url.hostname.replace(/^\[|\]$/g, '')),
    port: Number(url.port || defaultPort),
    user: decoded(url.username),
    password: decoded(url.password),
    path: decoded(url.pathname.slice(1)),
    parameters: url.searchParams,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new AddressError('has a % that is not part of a percent-encoding');
  }
}

/** True for this machine itself, whose connections nobody else can read. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** The name to send in the TLS handshake (SNI); an address is never sent. */
export const serverNameOf = (host: string): { servername?: string } => (isIP(host) === 0 ? { servername: host } : {});

/** The certificates in a PEM file, checked. @throws AddressError */
export function readCertificates(file: string, setting: string): string {
  const text = readTextFile(file, setting);
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch {
    throw new AddressError(`${setting} names a file with a certificate that cannot be read`);
  }
  if (certificates.length === 0) throw new AddressError(`${setting} names a file without a certificate in PEM form`);
  return certificates.join('\n');
}

/** @throws AddressError */
export function readTextFile(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new AddressError(`${setting} names a file that cannot be read (${code})`);
  }
}

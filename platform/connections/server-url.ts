import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/** An address, or a file that it needs, is not usable. The message contains no value, which may be a secret. */
export class AddressError extends Error {}

export type ServerUrl = Readonly<ReturnType<typeof parseServerUrl>>;

/**
 * Returns the parts of a server's URL. User, password and path are percent-decoded.
 * @throws AddressError for any other scheme, and for a URL that is valid but looks like a password without
 *   percent-encoding
 */
export function parseServerUrl(text: string, schemes: readonly string[], defaultPort: number) {
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
    /** Without the brackets of an IPv6 address. */
    host: decoded(url.hostname.replace(/^\[|\]$/g, '')),
    port: Number(url.port || defaultPort),
    user: decoded(url.username),
    password: decoded(url.password),
    /** Without the leading slash. */
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

/** True for the loopback addresses of this machine, whose connections no other machine can read. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

/** The name to send in the TLS handshake (SNI); an address is never sent. */
export const serverNameOf = (host: string): { servername?: string } => (isIP(host) === 0 ? { servername: host } : {});

/** The certificates in a PEM file. @throws AddressError when there is none or one cannot be read; it names `setting` */
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

/** The content of a file. @throws AddressError that names `setting` */
export function readTextFile(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new AddressError(`${setting} names a file that cannot be read (${code})`);
  }
}

import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { type Authenticator, type ConnectionOptions, credsAuthenticator, type TlsOptions } from 'nats';
import { AddressError, parseServerUrl, readCertificates, readTextFile, type ServerUrl } from './server-url.ts';

export interface BrokerAddress {
  NATS_URL: string;
  NATS_CREDS?: string | undefined;
  NATS_TLS_CA?: string | undefined;
}

const DEFAULT_PORT = 4222;

/**
 * The options of the nats library: servers, account and TLS. The addresses are parsed here because the library drops
 * user and password from an address, and mistakes a number in a password for the port.
 * @throws AddressError
 */
export function brokerConnection({ NATS_URL, NATS_CREDS, NATS_TLS_CA }: BrokerAddress): ConnectionOptions {
  const servers = NATS_URL.split(',').map((text) => parseServerUrl(text.trim(), ['nats', 'tls'], DEFAULT_PORT));
  if (servers.some(({ path, parameters }) => path !== '' || parameters.size > 0)) {
    throw new AddressError('must hold addresses without a path or parameters, separated by commas');
  }
  const isEncrypted = NATS_TLS_CA !== undefined || servers.some(({ scheme }) => scheme === 'tls');
  if (NATS_TLS_CA) readCertificates(NATS_TLS_CA, 'NATS_TLS_CA');
  return {
    servers: servers.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
    ...accountOf(servers, NATS_CREDS),
    ...(isEncrypted && { tls: tlsOptions(servers, NATS_TLS_CA) }),
  };
}

/** The library reads the CA file again at every connection. */
function tlsOptions(servers: readonly ServerUrl[], caFile: string | undefined): TlsOptions {
  const hosts = servers.map(({ host }) => host);
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  const options = {
    ...(caFile && { caFile }),
    // For a server with an IP address the library passes on no name, and Node then checks "localhost" instead.
    checkServerIdentity(name: string, certificate: PeerCertificate): Error | undefined {
      const isUnnamed = name === 'localhost' && addresses.length > 0 && !hosts.includes(name);
      const errors = (isUnnamed ? addresses : [name]).map((expected) => checkServerIdentity(expected, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
  return options;
}

/** One account for all servers: servers without an account use that of the others. */
function accountOf(servers: readonly ServerUrl[], credentialsFile: string | undefined): ConnectionOptions {
  const accounts = servers.filter(({ user, password }) => user !== '' || password !== '');
  const [account] = accounts;
  if (accounts.some(({ user, password }) => user !== account?.user || password !== account.password)) {
    throw new AddressError('has several accounts; use one account for all servers');
  }
  if (credentialsFile) {
    if (account) throw new AddressError('has an account although NATS_CREDS is set; use only one of them');
    return { authenticator: credentials(credentialsFile) };
  }
  if (!account) return {};
  const { user, password } = account;
  if (user === '') throw new AddressError('has a password without a user; write a token in place of the user');
  return password === '' ? { token: user } : { user, pass: password };
}

/** Reads the file again at each log-in. While the file cannot be read, its last content is used. */
function credentials(file: string): Authenticator {
  let last = readCredentials(file);
  return (nonce) => {
    try {
      last = readCredentials(file);
    } catch (error) {
      // With an error thrown here the library would close the connection permanently.
      if (!(error instanceof AddressError)) throw error;
    }
    return last(nonce);
  };
}

/** @throws AddressError unless the file contains a user's JWT and the seed of the user's key */
function readCredentials(file: string): Authenticator {
  const authenticate = credsAuthenticator(new TextEncoder().encode(readTextFile(file, 'NATS_CREDS')));
  try {
    authenticate('a nonce');
  } catch {
    throw new AddressError('NATS_CREDS names a file without the credentials of a user');
  }
  return authenticate;
}

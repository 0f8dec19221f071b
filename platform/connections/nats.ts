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
 * Where the servers of NATS are, how to log in and how to verify their certificates. The library itself drops user and
 * password from an address, and takes a number in a password for the port.
 * @throws AddressError
 */
export function brokerConnection({ NATS_URL, NATS_CREDS, NATS_TLS_CA }: BrokerAddress): ConnectionOptions {
  const servers = NATS_URL.split(',').map((text) => parseServerUrl(text.trim(), ['nats', 'tls'], DEFAULT_PORT));
  if (servers.some(({ path, parameters }) => path !== '' || parameters.size > 0)) {
    throw new AddressError('takes addresses without a path or parameters; several are separated by commas');
  }
  const isEncrypted = NATS_TLS_CA !== undefined || servers.some(({ scheme }) => scheme === 'tls');
  if (NATS_TLS_CA) readCertificates(NATS_TLS_CA, 'NATS_TLS_CA');
  return {
    servers: servers.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)),
    ...accountOf(servers, NATS_CREDS),
    ...(isEncrypted && { tls: tlsOptions(servers, NATS_TLS_CA) }),
  };
}

/** The file is read again at every connection. */
function tlsOptions(servers: readonly ServerUrl[], caFile: string | undefined): TlsOptions {
  const hosts = servers.map(({ host }) => host);
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  const options = {
    ...(caFile && { caFile }),
    // Of a server that is named by its address the library hands on no name, and Node expects "localhost" instead.
    checkServerIdentity(name: string, certificate: PeerCertificate): Error | undefined {
      const isUnnamed = name === 'localhost' && addresses.length > 0 && !hosts.includes(name);
      const errors = (isUnnamed ? addresses : [name]).map((expected) => checkServerIdentity(expected, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
  return options;
}

/** One account for all servers: those without any take that of the others. */
function accountOf(servers: readonly ServerUrl[], credentialsFile: string | undefined): ConnectionOptions {
  const accounts = servers.filter(({ user, password }) => user !== '' || password !== '');
  const [account] = accounts;
  if (accounts.some(({ user, password }) => user !== account?.user || password !== account.password)) {
    throw new AddressError('has several accounts; all servers take the same');
  }
  if (credentialsFile) {
    if (account) throw new AddressError('has an account, and NATS_CREDS names another');
    return { authenticator: credentials(credentialsFile) };
  }
  if (!account) return {};
  const { user, password } = account;
  if (user === '') throw new AddressError('has a password without a user; a token stands in the place of the user');
  return password === '' ? { token: user } : { user, pass: password };
}

/** Logs in with the file as it is at each connection, and with what it held before while it cannot be read. */
function credentials(file: string): Authenticator {
  let last = readCredentials(file);
  return (nonce) => {
    try {
      last = readCredentials(file);
    } catch (error) {
      // An error in here would close the connection for good.
      if (!(error instanceof AddressError)) throw error;
    }
    return last(nonce);
  };
}

/** @throws AddressError unless the file holds a user's JWT and the seed of their key */
function readCredentials(file: string): Authenticator {
  const authenticate = credsAuthenticator(new TextEncoder().encode(readTextFile(file, 'NATS_CREDS')));
  try {
    authenticate('a nonce');
  } catch {
    throw new AddressError('NATS_CREDS names a file without the credentials of a user');
  }
  return authenticate;
}

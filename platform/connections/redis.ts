import type { RedisOptions } from 'ioredis';
import { AddressError, parseServerUrl, readCertificates, serverNameOf } from './server-url.ts';

const DEFAULT_PORT = 6379;

/** The options of ioredis: server, account and, for `rediss://`, TLS. @throws AddressError */
export function redisConnection({ REDIS_URL, REDIS_TLS_CA }: { REDIS_URL: string; REDIS_TLS_CA?: string | undefined }) {
  const url = parseServerUrl(REDIS_URL, ['redis', 'rediss'], DEFAULT_PORT);
  const { scheme, host, port, user, password, path, parameters } = url;
  if (parameters.size > 0) throw new AddressError('must have no parameters');
  if (!/^\d*$/.test(path)) throw new AddressError('must have the number of a database as its path');
  if (user && !password) throw new AddressError('has a user without a password');
  if (REDIS_TLS_CA && scheme !== 'rediss') throw new AddressError('must begin with rediss:// when REDIS_TLS_CA is set');
  return {
    host,
    port,
    db: Number(path),
    ...(user && { username: user }),
    ...(password && { password }),
    ...(scheme === 'rediss' && {
      tls: { ...serverNameOf(host), ...(REDIS_TLS_CA && { ca: readCertificates(REDIS_TLS_CA, 'REDIS_TLS_CA') }) },
    }),
  } satisfies RedisOptions;
}

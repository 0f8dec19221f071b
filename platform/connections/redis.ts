import type { RedisOptions } from 'ioredis';
import { AddressError, parseServerUrl, readCertificates, serverNameOf } from './server-url.ts';

export interface RedisAddress {
  REDIS_URL: string;
  REDIS_TLS_CA?: string | undefined;
}

const DEFAULT_PORT = 6379;

/** Where Redis is, as whom to log in, and how to verify its certificate under `rediss://`. @throws AddressError */
export function redisConnection({ REDIS_URL, REDIS_TLS_CA }: RedisAddress) {
  const url = parseServerUrl(REDIS_URL, ['redis', 'rediss'], DEFAULT_PORT);
  const { scheme, host, port, user, password, path, parameters } = url;
  if (parameters.size > 0) throw new AddressError('takes no parameters');
  if (!/^\d*$/.test(path)) throw new AddressError('takes the number of a database as its path');
  if (user && !password) throw new AddressError('has a user without a password');
  if (REDIS_TLS_CA && scheme !== 'rediss')
    throw new AddressError('must begin with rediss:// where REDIS_TLS_CA is set');
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

import { Redis } from 'ioredis';
import { redisConnection } from '../connections/redis.ts';
import type { Logger } from '../process/logger.ts';

const COMMAND_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS_MAX = 1_000;
/** After this silence the connection is closed, so that commands fail at once instead of after their time-out. */
const SILENCE_MS_MAX = 1_000;

/**
 * Creates a connection to Redis whose commands fail quickly instead of waiting. Callers must be able to work without
 * Redis. A refused log-in or an invalid certificate is logged once for each reason, until the connection works again.
 */
export function createRedis({
  url,
  tlsCa,
  name,
  logger,
}: {
  url: string;
  tlsCa?: string | undefined;
  name: string;
  logger: Logger;
}): Redis {
  const redis = new Redis({
    ...redisConnection({ REDIS_URL: url, REDIS_TLS_CA: tlsCa }),
    connectionName: name,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    enableOfflineQueue: false,
    // The commands of one turn of the event loop are written together.
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  });
  const reasonsLogged = new Set<string>();
  redis.on('error', (error: Error & { code?: string }) => {
    // Only the reason is logged: the error of a refused log-in contains the password.
    const reason = error.code ?? error.message;
    if (isAway(reason) || reasonsLogged.has(reason))
      return logger.debug({ reason, connection: name }, 'redis connection');
    reasonsLogged.add(reason);
    logger.warn({ reason, connection: name }, 'Redis cannot be used; the service continues without it and retries');
  });
  redis.on('ready', () => reasonsLogged.clear());
  return redis;
}

/** Errors of the operating system and slow answers are temporary outages. Other errors need an operator. */
const isAway = (reason: string): boolean => /^(E[A-Z]+|Command timed out)$/.test(reason);

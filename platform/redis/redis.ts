import { Redis } from 'ioredis';
import { redisConnection } from '../connections/redis.ts';
import type { Logger } from '../process/logger.ts';

const COMMAND_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS_MAX = 1_000;
/** A server that hangs is taken for gone after this long, and commands fail at once instead of by their time-out. */
const SILENCE_MS_MAX = 1_000;

/**
 * A connection to Redis that would rather fail than wait: whoever uses it must be able to do without. When Redis
 * refuses the log-in, or its certificate does not hold, this is logged once for each reason until it serves again.
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
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  });
  const reasonsLogged = new Set<string>();
  redis.on('error', (error: Error & { code?: string }) => {
    // Without the rest of the error: a refused log-in carries its password.
    const reason = error.code ?? error.message;
    if (isAway(reason) || reasonsLogged.has(reason))
      return logger.debug({ reason, connection: name }, 'redis connection');
    reasonsLogged.add(reason);
    logger.warn({ reason, connection: name }, 'Redis cannot be used; the service does without it and keeps trying');
  });
  redis.on('ready', () => reasonsLogged.clear());
  return redis;
}

/** The system's own errors, which pass; the others need somebody to put something right. */
const isAway = (reason: string): boolean => /^E[A-Z]+$/.test(reason);

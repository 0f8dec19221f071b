import { Redis } from 'ioredis';
import { redisConnection } from '../connections/redis.ts';
import type { Logger } from '../process/logger.ts';

const COMMAND_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS_MAX = 1_000;
/** After this silence the connection is closed, so that commands fail at once instead of after their time-out. */
const SILENCE_MS_MAX = 1_000;
const CLOSED = 'the connection was closed';

/**
 * Creates a connection to Redis whose commands fail quickly instead of waiting, by default after 50 ms. Callers must be
 * able to work without Redis. An outage, a refused log-in or an invalid certificate is logged once, and so is the connection that works again.
 */
export function createRedis({
  url,
  tlsCa,
  name,
  commandTimeoutMs = COMMAND_TIMEOUT_MS,
  logger,
}: {
  url: string;
  tlsCa?: string | undefined;
  name: string;
  commandTimeoutMs?: number;
  logger: Logger;
}): Redis {
  const redis = new Redis({
    ...redisConnection({ REDIS_URL: url, REDIS_TLS_CA: tlsCa }),
    connectionName: name,
    commandTimeout: commandTimeoutMs,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    enableOfflineQueue: false,
    // The commands of one turn of the event loop are written together.
    enableAutoPipelining: true,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  });
  const reasonsLogged = new Set<string>();

  /** Only the reason is logged: the error of a refused log-in contains the password. */
  function failed(reason: string): void {
    const kind = isAway(reason) ? 'away' : reason;
    const level = reasonsLogged.has(kind) ? 'debug' : 'warn';
    reasonsLogged.add(kind);
    logger[level]({ reason, connection: name }, 'Redis cannot be used; the service continues without it and retries');
  }
  redis.on('error', (error: Error & { code?: string }) => failed(error.code ?? error.message));
  redis.on('reconnecting', () => {
    if (reasonsLogged.size === 0) failed(CLOSED);
  });
  redis.on('ready', () => {
    reasonsLogged.clear();
    logger.info({ connection: name }, 'Redis connected');
  });
  return redis;
}

/** True for closed connections, errors of the operating system and slow answers. They alternate during one outage. */
const isAway = (reason: string): boolean =>
  reason === CLOSED || /^(E[A-Z]+$|Command timed out|Socket timeout)/.test(reason);

/** True when a command had no answer within its time limit. */
export const isTimeout = (error: unknown): boolean => error instanceof Error && error.message === 'Command timed out';

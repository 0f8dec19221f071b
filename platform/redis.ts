import { Redis } from 'ioredis';
import type { Logger } from './logger.ts';

const COMMAND_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS_MAX = 1_000;
/** A server that hangs is taken for gone after this long, and commands fail at once instead of by their time-out. */
const SILENCE_MS_MAX = 1_000;

/** A connection to Redis that would rather fail than wait: whoever uses it must be able to do without. */
export function createRedis({ url, name, logger }: { url: string; name: string; logger: Logger }): Redis {
  const redis = new Redis(url, {
    connectionName: name,
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS_MAX,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(attempt * 100, RECONNECT_MS_MAX),
  });
  redis.on('error', (error) => logger.debug({ err: error, connection: name }, 'redis connection'));
  return redis;
}

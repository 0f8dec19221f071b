import type { Redis } from 'ioredis';
import { type DebugSource, NoAnswerError } from '../process/debug.ts';
import { isTimeout } from './redis.ts';

const FIELDS: ReadonlySet<string> = new Set([
  ...['redis_version', 'uptime_in_seconds', 'connected_clients', 'blocked_clients', 'maxclients'],
  ...['used_memory', 'maxmemory', 'maxmemory_policy', 'mem_fragmentation_ratio', 'loading'],
  ...['instantaneous_ops_per_sec', 'keyspace_hits', 'keyspace_misses', 'evicted_keys', 'expired_keys'],
  ...['rejected_connections', 'role', 'master_link_status', 'connected_slaves'],
]);

/** The state of a connection to Redis, and of the server. It is read with the time limit of all commands. */
export const redisDebug = (redis: Redis): DebugSource => ({
  known: () => ({ connection: redis.status }),
  async ask() {
    if (redis.status !== 'ready') throw new NoAnswerError('not connected');
    try {
      return { server: fieldsOf(await redis.info()) };
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOPERM')) return { server: 'not permitted' };
      throw isTimeout(error) ? new NoAnswerError('no answer within the time limit of commands') : error;
    }
  },
});

const fieldsOf = (info: string): object =>
  Object.fromEntries(
    info
      .split('\r\n')
      .map((line) => line.split(':', 2))
      .filter(([name = '']) => FIELDS.has(name))
      .map(([name, value]) => [name, Number.isNaN(Number(value)) ? value : Number(value)]),
  );

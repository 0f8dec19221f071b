import { LRUCache } from 'lru-cache';
import type { Logger } from '../process/logger.ts';
import { createRedis } from './redis.ts';

/** Redis sends the key of every changed value to the subscribers of this channel. */
export const CHANGES_CHANNEL = 'cache:changes';
const VALUES_MAX = 10_000;

/**
 * Values in the memory of this process, each kept for at most `lifeMs`. Changes by other processes arrive through a
 * connection of its own. Without this connection no value is kept. `onChange` is called with the key of each change.
 */
export function createNearValues<Value extends object>({
  lifeMs,
  onChange,
  ...connection
}: {
  url: string;
  tlsCa?: string | undefined;
  lifeMs: number;
  onChange: (key: string) => void;
  logger: Logger;
}) {
  const values = new LRUCache<string, Value>({ max: VALUES_MAX, ttl: lifeMs });
  const subscriber = createRedis({ ...connection, name: 'cache changes' });
  let isSubscribed = false;

  subscriber.on('ready', () => {
    subscriber.subscribe(CHANGES_CHANNEL).then(
      () => {
        isSubscribed = true;
      },
      // The next attempt begins with a new connection.
      () => subscriber.disconnect(true),
    );
  });
  subscriber.on('close', () => {
    isSubscribed = false;
    values.clear();
  });
  subscriber.on('message', (_channel, key: string) => {
    values.delete(key);
    onChange(key);
  });

  return {
    get: (key: string) => values.get(key),
    put(key: string, value: Value): void {
      if (isSubscribed) values.set(key, value);
    },
    delete: (key: string) => void values.delete(key),
    stop: () => subscriber.disconnect(),
  };
}

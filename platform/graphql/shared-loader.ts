import DataLoader from 'dataloader';
import { runWithoutDeadline } from '../clients/deadline.ts';

const BATCH_MAX = 1_000;

/** Loads values by key for all requests of a process. */
export type SharedLoader<Key, Value> = (keys: readonly Key[]) => Promise<(Value | Error)[]>;

/**
 * Creates a loader that joins the loads of different requests in one turn of the event loop. It is for values that
 * depend on their key only, not on the caller. It caches nothing, so a load that begins after a commit returns the
 * committed values. A joined load has no deadline of a caller.
 * @param load returns a value or an error for each of the keys. The keys are distinct.
 */
export function createSharedLoader<Key, Value>(
  load: (keys: readonly Key[]) => Promise<readonly (Value | Error)[]>,
  { batchMax = BATCH_MAX } = {},
): SharedLoader<Key, Value> {
  const loader = new DataLoader<Key, Value>(
    async (keys) => {
      const unique = [...new Set(keys)];
      const values = await runWithoutDeadline(() => load(unique));
      const byKey = new Map(unique.map((key, index) => [key, values[index] as Value | Error]));
      return keys.map((key) => byKey.get(key) as Value | Error);
    },
    { cache: false, maxBatchSize: batchMax, batchScheduleFn: (run) => void setImmediate(run) },
  );
  return (keys) => loader.loadMany(keys);
}

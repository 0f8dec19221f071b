import DataLoader from 'dataloader';
import { runWithoutDeadline } from '../clients/deadline.ts';

const BATCH_MAX = 1_000;

/** Loads values by id for all requests of a process. */
export type SharedLoader<Value> = (ids: readonly string[]) => Promise<(Value | Error)[]>;

/**
 * Creates a loader that joins the loads of different requests in one turn of the event loop. It is for values that do
 * not depend on the caller. It caches nothing, so a load that begins after a commit returns the committed values. A
 * joined load has no deadline of a caller.
 * @param load returns a value or an error for each of the ids. The ids are distinct.
 */
export function createSharedLoader<Value>(
  load: (ids: readonly string[]) => Promise<readonly (Value | Error)[]>,
): SharedLoader<Value> {
  const loader = new DataLoader<string, Value>(
    async (ids) => {
      const unique = [...new Set(ids)];
      const values = await runWithoutDeadline(() => load(unique));
      const byId = new Map(unique.map((id, index) => [id, values[index] as Value | Error]));
      return ids.map((id) => byId.get(id) as Value | Error);
    },
    { cache: false, maxBatchSize: BATCH_MAX, batchScheduleFn: (run) => void setImmediate(run) },
  );
  return (ids) => loader.loadMany(ids);
}

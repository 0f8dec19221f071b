import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import type { EventView } from './context.ts';

/** Loads events by id through the cache. Combines the single look-ups of one request into batches. */
export const createEventLoader = ({ cache }: EventDependencies): DataLoader<string, EventView | null> =>
  new DataLoader(
    async (ids) => {
      const found = await cache.getMany(ids.filter(isId));
      return ids.map((id) => {
        const entry = found.get(id);
        return entry === undefined ? null : { ...entry.value, cached: entry.cached };
      });
    },
    { maxBatchSize: 1_000 },
  );

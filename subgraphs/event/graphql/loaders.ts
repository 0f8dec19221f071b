import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import type { EventView } from './context.ts';

/** Events by id, read through the cache: one look-up for all that a request asks for at once. */
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

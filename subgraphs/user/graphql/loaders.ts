import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import type { User } from '../domain/user.ts';
import { findUsers, type UserDatabase } from '../store/users.ts';

/** Loads users by id. Batches concurrent loads of a request into one statement. */
export const createUserLoader = (database: UserDatabase): DataLoader<string, User | null> =>
  new DataLoader(
    async (ids) => {
      const users = await findUsers(database, ids.filter(isId));
      const found = new Map(users.map((user) => [user.id, user]));
      return ids.map((id) => found.get(id) ?? null);
    },
    { maxBatchSize: 1_000 },
  );

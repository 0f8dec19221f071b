import DataLoader from 'dataloader';
import { isId } from '#platform/errors/validation.ts';
import { createSharedLoader } from '#platform/graphql/shared-loader.ts';
import type { User } from '../domain/user.ts';
import { findUsers, type UserDatabase } from '../store/users.ts';

/**
 * Returns a function that creates the loader of one request. The loader reads users by id and remembers them. Requests
 * in the same turn of the event loop read together.
 */
export function createUserLoaders(database: UserDatabase): () => DataLoader<string, User | null> {
  const users = createSharedLoader(async (ids) => {
    const found = await findUsers(database, ids.filter(isId));
    const byId = new Map(found.map((user) => [user.id, user]));
    return ids.map((id) => byId.get(id) ?? null);
  });
  return () => new DataLoader(users);
}

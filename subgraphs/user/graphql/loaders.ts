import DataLoader from 'dataloader';
import type { SqlExecutor } from '#platform/database/database.ts';
import { isId } from '#platform/errors/validation.ts';
import { createSharedLoader } from '#platform/graphql/shared-loader.ts';
import type { ActiveSession } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import { listSessions } from '../store/sessions.ts';
import { findUsers } from '../store/users.ts';

/**
 * Returns a function that creates the loader of one request. The loader reads users by id and remembers them. Requests
 * in the same turn of the event loop read together.
 */
export function createUserLoaders(sql: SqlExecutor): () => DataLoader<string, User | null> {
  const users = createSharedLoader(async (ids: readonly string[]) => {
    const found = await findUsers(sql, ids.filter(isId));
    const byId = new Map(found.map((user) => [user.id, user]));
    return ids.map((id) => byId.get(id) ?? null);
  });
  return () => new DataLoader(users);
}

/** Creates the loader of active sessions. The policy lets a request read those of one user only: of its caller. */
export const createSessionLoader = (sql: SqlExecutor): DataLoader<string, ActiveSession[]> =>
  new DataLoader((userIds) => Promise.all(userIds.map((userId) => listSessions(sql, userId))));

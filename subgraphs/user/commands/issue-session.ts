import type { SqlExecutor } from '#platform/database/database.ts';
import { hashRefreshToken, newRefreshToken } from '../credentials/refresh-tokens.ts';
import type { Session } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import { insertSession } from '../store/sessions.ts';
import type { UserDependencies } from './dependencies.ts';

/** Creates, stores and returns a refresh token. Without a `familyId`, the token starts a new family. */
export async function issueRefreshToken(
  executor: SqlExecutor,
  { newId, refreshTokenTtlS }: UserDependencies,
  { userId, familyId = newId() }: { userId: string; familyId?: string },
): Promise<string> {
  const token = newRefreshToken();
  const tokenHash = hashRefreshToken(token);
  await insertSession(executor, { id: newId(), familyId, userId, tokenHash, ttlS: refreshTokenTtlS });
  return token;
}

/** Returns the session for a stored refresh token, with a new access token. Call it after the commit. */
export async function sessionOf(
  { issueAccessToken, now }: UserDependencies,
  { user, refreshToken }: { user: User; refreshToken: string },
): Promise<Session> {
  return { ...(await issueAccessToken(user, now())), refreshToken, user };
}

import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { hashToken } from '../credentials/random-tokens.ts';
import { deleteFamily, findSession, lockSessionOwner } from '../store/sessions.ts';
import type { UserDependencies } from './dependencies.ts';

/** Ends the family of sessions that a refresh token belongs to. Does nothing when the token is unknown. */
export async function signOut({ database }: UserDependencies, refreshToken: string): Promise<void> {
  const tokenHash = hashToken(refreshToken);
  await database.$transaction(async (transaction) => {
    await lockSessionOwner(transaction, tokenHash);
    const session = await findSession(transaction, tokenHash);
    if (session !== null) await deleteFamily(transaction, session.familyId);
  }, TRANSACTION_LIMITS);
}

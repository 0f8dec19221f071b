import { hashToken, newToken } from '../credentials/random-tokens.ts';
import { publishTokenRequested } from '../messaging/token-requested.ts';
import { saveToken, type TokenKind } from '../store/account-tokens.ts';
import type { UserTransaction } from '../store/users.ts';
import type { UserDependencies } from './dependencies.ts';

/** The lifetimes of tokens. A reset token opens the account, so it lives shorter. */
const TTL_S: Readonly<Record<TokenKind, number>> = { PASSWORD_RESET: 30 * 60, EMAIL_VERIFICATION: 24 * 3_600 };

/**
 * Creates a token, stores its hash, and writes the message that makes the notification subgraph mail it. For the id of
 * nobody it executes the same statements, but the message has no token, so no mail is sent. The caller must have tried
 * to lock the user.
 */
export async function mailToken(
  transaction: UserTransaction,
  { newId, now, sealer }: UserDependencies,
  { userId, kind, requestId }: { userId: string; kind: TokenKind; requestId: string },
): Promise<void> {
  const token = newToken();
  const ttlS = TTL_S[kind];
  const isSaved = await saveToken(transaction, { userId, kind, tokenHash: hashToken(token), ttlS });
  const requestedAt = now();
  await publishTokenRequested(transaction, {
    kind,
    userId,
    sealedToken: isSaved ? sealer.seal(token, userId) : null,
    requestedAt,
    expiresAt: new Date(requestedAt.getTime() + ttlS * 1_000),
    messageId: newId(),
    requestId,
  });
}

import type { z } from 'zod';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { TokenKind } from '../store/account-tokens.ts';
import type { UserTransaction } from '../store/users.ts';
import type { tokenRequest, userMessages } from './contract.ts';

const TYPES: Readonly<Record<TokenKind, keyof typeof userMessages>> = {
  PASSWORD_RESET: 'user.password-reset-requested.v1',
  EMAIL_VERIFICATION: 'user.email-verification-requested.v1',
};

interface Request {
  readonly kind: TokenKind;
  readonly userId: string;
  readonly sealedToken: string | null;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly messageId: string;
  readonly requestId: string;
}

/** Writes the request for a mail with a token to the outbox, within the transaction that stores the token's hash. */
export async function publishTokenRequested(
  transaction: UserTransaction,
  { kind, userId, sealedToken, requestedAt, expiresAt, messageId, requestId }: Request,
): Promise<void> {
  const data: z.input<typeof tokenRequest> = { userId, sealedToken, expiresAt: expiresAt.toISOString() };
  const about = { subject: userId, time: requestedAt, correlationId: requestId };
  await appendToOutbox(transaction, 'user', [{ id: messageId, type: TYPES[kind], ...about, data }]);
}

import type { z } from 'zod';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { NewUser, UserTransaction } from '../store/users.ts';
import type { userMessages, userRegistration } from './contract.ts';

const TYPE: keyof typeof userMessages = 'user.registered.v1';

/** Writes the message about a new user to the outbox, within the transaction that saves the user. */
export async function publishUserRegistered(
  transaction: UserTransaction,
  { user, messageId, requestId }: { user: NewUser; messageId: string; requestId: string },
): Promise<void> {
  const data: z.input<typeof userRegistration> = { userId: user.id, name: user.name, email: user.email };
  const about = { subject: user.id, time: user.createdAt, correlationId: requestId };
  await appendToOutbox(transaction, 'user', [{ id: messageId, type: TYPE, ...about, data }]);
}

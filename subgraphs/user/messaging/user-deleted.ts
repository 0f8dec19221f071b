import type { z } from 'zod';
import { appendToOutbox } from '#platform/outbox/append.ts';
import type { UserTransaction } from '../store/users.ts';
import type { userDeletion, userMessages } from './contract.ts';

const TYPE: keyof typeof userMessages = 'user.deleted.v1';

interface Deletion {
  readonly userId: string;
  readonly deletedAt: Date;
  readonly messageId: string;
  readonly requestId: string;
}

/** Writes the message about a deleted account to the outbox, within the transaction that deletes it. */
export async function publishUserDeleted(
  transaction: UserTransaction,
  { userId, deletedAt, messageId, requestId }: Deletion,
): Promise<void> {
  const data: z.input<typeof userDeletion> = { userId };
  const about = { subject: userId, time: deletedAt, correlationId: requestId };
  await appendToOutbox(transaction, 'user', [{ id: messageId, type: TYPE, ...about, data }]);
}

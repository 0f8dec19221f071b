import { type MessageHandlers, onMessage } from '#platform/messaging/message-handlers.ts';
import { userMessages } from '../../user/messaging/contract.ts';

const DELETED = 'user.deleted.v1';

/** The other messages of the stream. They contain persons, which the booking subgraph must not know. */
export const SKIPPED_USER_MESSAGES: readonly string[] = Object.keys(userMessages).filter((type) => type !== DELETED);

/** Handle the deletion of users. `forgetUser` has transactions of its own, so it must be repeatable. */
export const userHandlers = (
  forgetUser: (deletion: { userId: string; requestId: string; traceparent: string | undefined }) => Promise<void>,
): MessageHandlers => ({
  [DELETED]: onMessage(userMessages[DELETED], async (_transaction, messages) => {
    for (const { data, correlationId: requestId = data.userId, traceparent } of messages) {
      await forgetUser({ userId: data.userId, requestId, traceparent });
    }
  }),
});

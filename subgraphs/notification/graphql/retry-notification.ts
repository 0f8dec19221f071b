import { isId } from '#platform/errors/validation.ts';
import { retryNotification as retry } from '../commands/retry-notification.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const retryNotification: MutationResolvers['retryNotification'] = async (_parent, { id }, { dependencies }) => {
  const notification = isId(id) ? await retry(dependencies, id) : null;
  if (notification !== null) return { __typename: 'RetryNotificationPayload', notification };
  const message = 'The notification does not exist or is not FAILED.';
  return { __typename: 'NotificationNotFoundError', code: 'NOTIFICATION_NOT_FOUND', message };
};

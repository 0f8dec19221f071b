import { parseInput } from '#platform/errors/validation.ts';
import { retryNotifications as retry } from '../commands/retry-notifications.ts';
import { retryNotificationsRules } from '../domain/bulk-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { argumentError } from './argument-error.ts';

export const retryNotifications: MutationResolvers['retryNotifications'] = async (_parent, args, { dependencies }) => {
  const request = parseInput(retryNotificationsRules, args);
  if (!request.ok) return argumentError(request.error);
  return { __typename: 'RetryNotificationsPayload', ...(await retry(dependencies, request.value)) };
};

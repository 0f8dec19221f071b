import { isId } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { redeliverWebhook as redeliver } from '../commands/redeliver-webhook.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const redeliverWebhook: MutationResolvers['redeliverWebhook'] = async (_parent, { deliveryId }, context) => {
  const request = { caller: requireCaller(context.caller), deliveryId };
  const result = isId(deliveryId)
    ? await redeliver(context.dependencies, request)
    : ({ outcome: 'not-found' } as const);
  switch (result.outcome) {
    case 'redelivered':
      return { __typename: 'RedeliverWebhookPayload', delivery: result.delivery };
    case 'not-found':
      return {
        __typename: 'WebhookDeliveryNotFoundError',
        code: 'WEBHOOK_DELIVERY_NOT_FOUND',
        message: 'There is no such delivery.',
      };
    case 'disabled':
      return {
        __typename: 'WebhookDisabledError',
        code: 'WEBHOOK_DISABLED',
        message: 'The endpoint is off. Switch it on first.',
      };
  }
};

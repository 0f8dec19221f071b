import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { createWebhook as create } from '../commands/create-webhook.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { webhookExists } from './webhook-refusals.ts';

export const createWebhook: MutationResolvers['createWebhook'] = async (_parent, args, { caller, dependencies }) => {
  const input = parseInput(dependencies.webhooks.rules.create, args.input);
  if (!input.ok) return input.error;
  const creation = await create(dependencies, { caller: requireCaller(caller), input: input.value });
  switch (creation.outcome) {
    case 'created':
      return { __typename: 'CreateWebhookPayload', webhook: creation.webhook, secret: creation.secret };
    case 'exists':
      return webhookExists(creation.webhook);
    case 'limit-reached':
      return {
        __typename: 'WebhookLimitReachedError',
        code: 'WEBHOOK_LIMIT_REACHED',
        message: `A user may have ${creation.limit} endpoints. Delete one first.`,
        limit: creation.limit,
      };
  }
};

import { isId, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { updateWebhook as update } from '../commands/update-webhook.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { webhookExists, webhookNotFound } from './webhook-refusals.ts';

export const updateWebhook: MutationResolvers['updateWebhook'] = async (_parent, args, { caller, dependencies }) => {
  const input = parseInput(dependencies.webhooks.rules.update, args.input);
  if (!input.ok) return input.error;
  if (!isId(input.value.id)) return webhookNotFound();
  const result = await update(dependencies, { caller: requireCaller(caller), input: input.value });
  switch (result.outcome) {
    case 'updated':
      return { __typename: 'UpdateWebhookPayload', webhook: result.webhook };
    case 'not-found':
      return webhookNotFound();
    case 'url-taken':
      return webhookExists(result.webhook);
  }
};

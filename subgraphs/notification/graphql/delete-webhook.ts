import { isId } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { deleteWebhook as remove } from '../commands/delete-webhook.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { webhookNotFound } from './webhook-refusals.ts';

export const deleteWebhook: MutationResolvers['deleteWebhook'] = async (_parent, { id }, { caller, dependencies }) => {
  const isDeleted = isId(id) && (await remove(dependencies, { caller: requireCaller(caller), id }));
  return isDeleted ? { __typename: 'DeleteWebhookPayload', id } : webhookNotFound();
};

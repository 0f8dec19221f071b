import { z } from 'zod';
import { isId, parseInput, wholeNumber } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { rotateWebhookSecret as rotate } from '../commands/rotate-webhook-secret.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { argumentError } from './argument-error.ts';
import { webhookNotFound } from './webhook-refusals.ts';

const rules = z.object({ id: z.string(), keepPreviousHours: wholeNumber(0, 24) });

export const rotateWebhookSecret: MutationResolvers['rotateWebhookSecret'] = async (_parent, args, context) => {
  const input = parseInput(rules, args);
  if (!input.ok) return argumentError(input.error);
  const { id, keepPreviousHours: keepHours } = input.value;
  const caller = requireCaller(context.caller);
  const rotation = isId(id) ? await rotate(context.dependencies, { caller, id, keepHours }) : null;
  return rotation === null ? webhookNotFound() : { __typename: 'RotateWebhookSecretPayload', ...rotation };
};

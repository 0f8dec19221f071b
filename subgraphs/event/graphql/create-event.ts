import { invalidInput, parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { createEvent as create } from '../commands/create-event.ts';
import { createEventRules } from '../domain/event-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const createEvent: MutationResolvers['createEvent'] = async (_parent, args, context) => {
  const { dependencies, organizerPages, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(createEventRules, args.input);
  if (!input.ok) return input.error;
  const creation = await create(dependencies, { caller, requestId, input: input.value });
  organizerPages.clearAll();
  switch (creation.outcome) {
    case 'created': {
      const { event, replayed } = creation;
      return { __typename: 'CreateEventPayload', event: { ...event, cached: false }, replayed };
    }
    case 'key-reused':
      return {
        __typename: 'IdempotencyKeyReusedError',
        code: 'IDEMPOTENCY_KEY_REUSED',
        message: 'This idempotency key was used for a different event. Choose a new key.',
      };
    case 'starts-in-past':
      return invalidInput('startsAt', 'must be in the future');
    case 'wrong-time':
      return invalidInput(creation.field, creation.rule);
  }
};

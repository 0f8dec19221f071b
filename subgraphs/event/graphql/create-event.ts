import { requireCaller } from '#platform/identity.ts';
import { invalidInput, parseInput } from '#platform/validation.ts';
import { createEvent as create } from '../commands/create-event.ts';
import { createEventRules, isInFuture } from '../domain/event-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';

export const createEvent: NonNullable<MutationResolvers['createEvent']> = async (_parent, args, context) => {
  const { dependencies, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(createEventRules, args.input);
  if (!input.ok) return input.error;
  if (!isInFuture(input.value.startsAt, dependencies.now())) return invalidInput('startsAt', 'must lie in the future');
  const event = await create(dependencies, { caller, requestId, input: input.value });
  return { __typename: 'CreateEventPayload', event: { ...event, cached: false } };
};

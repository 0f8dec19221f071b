import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { reviseEvent } from '../commands/revise-event.ts';
import type { EventChanges } from '../domain/event.ts';
import { updateEventRules } from '../domain/event-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { revisionResult } from './revision-result.ts';

export const updateEvent: MutationResolvers['updateEvent'] = async (_parent, args, context) => {
  const { dependencies, organizerPages, requestId } = context;
  const caller = requireCaller(context.caller);
  const input = parseInput(updateEventRules, args.input);
  if (!input.ok) return input.error;
  const { id, expectedVersion, ...given } = input.value;
  const changes = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as EventChanges;
  const result = await reviseEvent(dependencies, { caller, requestId, input: { id, expectedVersion, changes } });
  organizerPages.clearAll();
  return revisionResult(result);
};

import { parseInput } from '#platform/errors/validation.ts';
import { requireCaller } from '#platform/identity/identity.ts';
import { reviseEvent } from '../commands/revise-event.ts';
import { cancelEventRules } from '../domain/event-input.ts';
import type { MutationResolvers } from '../generated/graphql.ts';
import { revisionResult } from './revision-result.ts';

export const cancelEvent: MutationResolvers['cancelEvent'] = async (_parent, args, context) => {
  const caller = requireCaller(context.caller);
  const input = parseInput(cancelEventRules, args.input);
  if (!input.ok) return input.error;
  const { reason, ...about } = input.value;
  const revision = { ...about, changes: { status: 'CANCELLED', cancellationReason: reason ?? null } } as const;
  const request = { caller, requestId: context.requestId, input: revision };
  const result = await reviseEvent(context.dependencies, request);
  context.organizerPages.clearAll();
  return revisionResult(result);
};

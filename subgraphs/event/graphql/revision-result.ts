import { invalidInput } from '#platform/errors/validation.ts';
import type { reviseEvent } from '../commands/revise-event.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

/** Converts the result of an attempt to change an event to GraphQL. */
export function revisionResult(result: Awaited<ReturnType<typeof reviseEvent>>): ResolversTypes['UpdateEventResult'] {
  switch (result.outcome) {
    case 'revised':
    case 'unchanged':
      return { __typename: 'UpdateEventPayload', event: { ...result.event, cached: false } };
    case 'version-conflict':
      return {
        __typename: 'VersionConflictError',
        code: 'VERSION_CONFLICT',
        message: 'The event was changed in the meantime. Read it again and retry with its current version.',
        currentVersion: result.currentVersion,
      };
    case 'already-cancelled':
      return invalidInput('id', 'is the id of a cancelled event, which cannot be changed');
    case 'already-started':
      return {
        __typename: 'EventStartedError',
        code: 'EVENT_STARTED',
        message: 'The event has started, so it cannot be cancelled or moved to another time.',
      };
    case 'starts-in-past':
      return invalidInput('startsAt', 'must be in the future');
    case 'wrong-time':
      return invalidInput(result.field, result.rule);
    case 'not-found':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
}

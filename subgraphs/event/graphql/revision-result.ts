import { invalidInput } from '#platform/errors/validation.ts';
import type { reviseEvent } from '../commands/revise-event.ts';
import type { ResolversTypes } from '../generated/graphql.ts';

/** The GraphQL answer to an attempt to change an event. */
export function revisionResult(result: Awaited<ReturnType<typeof reviseEvent>>): ResolversTypes['UpdateEventResult'] {
  switch (result.outcome) {
    case 'revised':
    case 'unchanged':
      return { __typename: 'UpdateEventPayload', event: { ...result.event, cached: false } };
    case 'version-conflict':
      return {
        __typename: 'VersionConflictError',
        code: 'VERSION_CONFLICT',
        message: 'The event was changed by someone else; read it again.',
        currentVersion: result.currentVersion,
      };
    case 'already-cancelled':
      return invalidInput('id', 'names a cancelled event, which cannot change');
    case 'already-started':
      return {
        __typename: 'EventStartedError',
        code: 'EVENT_STARTED',
        message: 'The event has started; it cannot be cancelled or moved any more.',
      };
    case 'starts-in-past':
      return invalidInput('startsAt', 'must lie in the future');
    case 'not-found':
      return { __typename: 'EventNotFoundError', code: 'EVENT_NOT_FOUND', message: 'There is no such event.' };
  }
}

import { everyone, type Policy, signedIn, visibleToEveryone } from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { Event } from './domain/event.ts';

/** Changing and cancelling: the organizer and admins. Others are refused, which betrays nothing: everybody sees events. */
export const mayRevise = (caller: Caller, { organizerId }: Event): boolean => isSelfOrAdmin(caller, organizerId);

export const policy: Policy<{ readonly caller: Caller | null }> = {
  Query: {
    event: everyone,
    // @inaccessible: the gateway offers it to no client.
    eventFacts: everyone,
    events: everyone,
  },
  Mutation: {
    createEvent: signedIn,
    updateEvent: signedIn,
    cancelEvent: signedIn,
  },
  types: {
    Event: visibleToEveryone,
    EventConnection: visibleToEveryone,
    EventEdge: visibleToEveryone,
    PageInfo: visibleToEveryone,
    // References alone: what a user is and who sees it, the user subgraph knows.
    User: visibleToEveryone,
    CreateEventPayload: visibleToEveryone,
    UpdateEventPayload: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    EventNotFoundError: visibleToEveryone,
    EventStartedError: visibleToEveryone,
    IdempotencyKeyReusedError: visibleToEveryone,
    VersionConflictError: visibleToEveryone,
  },
};

import { everyone, type Policy, signedIn, visibleToEveryone } from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { Event } from './domain/event.ts';

/** The organizer and admins may change and cancel. A refusal reveals nothing: everyone can read events. */
export const mayRevise = (caller: Caller, { organizerId }: Event): boolean => isSelfOrAdmin(caller, organizerId);

export const policy: Policy<{ readonly caller: Caller | null }> = {
  Query: {
    event: everyone,
    // @inaccessible in the schema: the gateway does not offer it to clients.
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
    // Everyone can read events and who organizes them, so also which events a user organizes. The user subgraph owns the
    // other fields and decides who may read them.
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

import { adminsOnly, everyone, type Policy, visibleToEveryone } from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { User } from './domain/user.ts';

interface Reader {
  readonly caller: Caller | null;
  /** Ids of users who proved themselves within this request. */
  readonly signedIn: ReadonlySet<string>;
}

export const policy: Policy<Reader> = {
  Query: {
    me: everyone,
    user: (_root: unknown, { caller }, { id }: { id: string }) => isSelfOrAdmin(caller, id),
    users: adminsOnly,
  },
  Mutation: {
    createUser: everyone,
    signIn: everyone,
    refreshSession: everyone,
    signOut: everyone,
  },
  types: {
    User: {
      // Who holds a reference got it from a subgraph that let it, as an event's organizer or a booking's owner.
      visibleTo: everyone,
      fields: {
        id: everyone,
        name: everyone,
        email: ({ id }: User, { caller, signedIn }) => isSelfOrAdmin(caller, id) || signedIn.has(id),
        role: everyone,
        createdAt: everyone,
      },
    },
    UserConnection: visibleToEveryone,
    UserEdge: visibleToEveryone,
    PageInfo: visibleToEveryone,
    // Whoever gets a session has just proven to be its user.
    Session: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    EmailTakenError: visibleToEveryone,
    InvalidCredentialsError: visibleToEveryone,
  },
};

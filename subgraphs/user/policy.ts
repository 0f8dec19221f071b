import { adminsOnly, everyone, type Policy, signedIn, visibleToEveryone } from '#platform/identity/authorization.ts';
import { type Caller, isSelfOrAdmin } from '#platform/identity/identity.ts';
import type { User } from './domain/user.ts';

interface Reader {
  readonly caller: Caller | null;
  /** Ids of the users that this request authenticated by a password or refresh token. */
  readonly signedIn: ReadonlySet<string>;
}

const readsEmail = ({ id }: User, { caller, signedIn }: Reader) => isSelfOrAdmin(caller, id) || signedIn.has(id);

export const policy: Policy<Reader> = {
  Query: {
    me: everyone,
    user: (_root: unknown, { caller }, { id }: { id: string }) => isSelfOrAdmin(caller, id),
    users: adminsOnly,
    // @inaccessible in the schema: the gateway does not offer it to clients. The booking subgraph decides who sees whom.
    userContacts: everyone,
  },
  Mutation: {
    createUser: everyone,
    signIn: everyone,
    refreshSession: everyone,
    signOut: everyone,
    endSession: signedIn,
    signOutEverywhere: signedIn,
    changePassword: signedIn,
    requestPasswordReset: everyone,
    resetPassword: everyone,
    requestEmailVerification: signedIn,
    verifyEmail: everyone,
    deleteAccount: signedIn,
  },
  types: {
    User: {
      // A reference comes from another subgraph, for example as the organizer of an event. That subgraph has already
      // checked that the reader may see it.
      visibleTo: everyone,
      fields: {
        id: everyone,
        name: everyone,
        email: readsEmail,
        emailVerified: readsEmail,
        role: everyone,
        createdAt: everyone,
        deleted: everyone,
        sessions: ({ id }: User, { caller }) => caller?.userId === id,
      },
    },
    ActiveSession: visibleToEveryone,
    UserContact: visibleToEveryone,
    UserConnection: visibleToEveryone,
    UserEdge: visibleToEveryone,
    PageInfo: visibleToEveryone,
    // A request gets a session only after it has authenticated as its user.
    Session: visibleToEveryone,
    InvalidInputError: visibleToEveryone,
    EmailTakenError: visibleToEveryone,
    InvalidCredentialsError: visibleToEveryone,
    InvalidTokenError: visibleToEveryone,
    AdminAccountError: visibleToEveryone,
    ChangePasswordPayload: visibleToEveryone,
    VerifyEmailPayload: visibleToEveryone,
    DeleteAccountPayload: visibleToEveryone,
  },
};

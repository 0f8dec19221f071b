import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { UserDependencies } from '../commands/dependencies.ts';
import type { ActiveSession } from '../domain/session.ts';
import type { User } from '../domain/user.ts';

/** The data that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: UserDependencies;
  readonly users: DataLoader<string, User | null>;
  /** The active sessions by the id of their user. */
  readonly sessions: DataLoader<string, ActiveSession[]>;
  /** Ids of the users that this request authenticated by a password or refresh token instead of an access token. */
  readonly signedIn: Set<string>;
}

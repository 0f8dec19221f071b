import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { UserDependencies } from '../commands/dependencies.ts';
import type { User } from '../domain/user.ts';

/** What the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: UserDependencies;
  readonly users: DataLoader<string, User | null>;
  /** Ids of users who proved themselves within this request: they sent a password or refresh token, no access token. */
  readonly signedIn: Set<string>;
}

import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import type { Event } from '../domain/event.ts';

/** An event as a reader gets it. */
export interface EventView extends Event {
  readonly cached: boolean;
}

/** A user as this subgraph knows it: by reference only. */
export interface UserReference {
  readonly __typename: 'User';
  readonly id: string;
}

/** What the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: EventDependencies;
  readonly events: DataLoader<string, EventView | null>;
}

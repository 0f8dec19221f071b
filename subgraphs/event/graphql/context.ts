import type DataLoader from 'dataloader';
import type { RequestContext } from '#platform/graphql/graphql-server.ts';
import type { EventDependencies } from '../commands/dependencies.ts';
import type { Event } from '../domain/event.ts';
import type { OrganizerPage } from '../store/event-lists.ts';

/** An event, and whether it was served from the cache. */
export interface EventView extends Event {
  readonly cached: boolean;
}

/** The dependencies and data loaders that the resolvers of one request share. */
export interface Context extends RequestContext {
  readonly dependencies: EventDependencies;
  readonly events: DataLoader<string, EventView | null>;
  readonly organizerPages: DataLoader<OrganizerPage, Event[], string>;
}

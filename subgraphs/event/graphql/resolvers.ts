import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers } from '../generated/graphql.ts';
import { cancelEvent } from './cancel-event.ts';
import { createEvent } from './create-event.ts';
import { event } from './event.ts';
import { query } from './query.ts';
import { updateEvent } from './update-event.ts';

export const resolvers: Resolvers = {
  DateTime,
  Query: query,
  Mutation: { createEvent, updateEvent, cancelEvent },
  Event: event,
};

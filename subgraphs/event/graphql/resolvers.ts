import type { CompleteResolvers } from '#platform/graphql/complete-resolvers.ts';
import { DateTime } from '#platform/graphql/scalars.ts';
import type { Resolvers, ResolversParentTypes } from '../generated/graphql.ts';
import { cancelEvent } from './cancel-event.ts';
import { createEvent } from './create-event.ts';
import { query } from './query.ts';
import { updateEvent } from './update-event.ts';
import { user } from './user.ts';

export const resolvers: CompleteResolvers<Resolvers, ResolversParentTypes> = {
  DateTime,
  Query: query,
  Mutation: { createEvent, updateEvent, cancelEvent },
  Event: {
    __resolveReference: ({ id }, { events }) => events.load(id),
    organizer: ({ organizerId }) => ({ __typename: 'User', id: organizerId }),
  },
  User: user,
};

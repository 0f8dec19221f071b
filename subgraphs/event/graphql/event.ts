import type { EventResolvers } from '../generated/graphql.ts';

export const event = {
  __resolveReference: ({ id }, { events }) => events.load(id),
  organizer: ({ organizerId }) => ({ __typename: 'User', id: organizerId }),
} satisfies EventResolvers;

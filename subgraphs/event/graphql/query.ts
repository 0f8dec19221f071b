import { z } from 'zod';
import { connectionOf, pageOf } from '#platform/pagination.ts';
import { parseArgument } from '#platform/validation.ts';
import { eventFilterRules } from '../domain/event-input.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { eventKeyOf, listEvents } from '../store/events.ts';

const eventKey = z.tuple([z.int().min(0).max(253_402_300_799_999), z.uuid()]);

export const query: QueryResolvers = {
  event: (_parent, { id }, { events }) => events.load(id),
  events: async (_parent, args, { dependencies: { database } }) => {
    const page = pageOf(args, eventKey);
    const filter = parseArgument(eventFilterRules, 'filter', args.filter);
    const rows = await listEvents(database, page, filter);
    return connectionOf(rows, page, eventKeyOf, (row) => ({ ...row, cached: false }));
  },
};

import { z } from 'zod';
import { isId, parseArgument } from '#platform/errors/validation.ts';
import { connectionOf, pageOf, resumedBehind } from '#platform/graphql/pagination.ts';
import { eventFilterRules, withDefaultTimes } from '../domain/event-input.ts';
import type { QueryResolvers } from '../generated/graphql.ts';
import { eventKey, eventKeyOf, listEvents } from '../store/event-lists.ts';
import { findEvents } from '../store/events.ts';

const factIds = z.array(z.string()).max(1_000, 'must not contain more than 1,000 ids');

export const query: QueryResolvers = {
  event: (_parent, { id }, { events }) => events.load(id),
  eventFacts: async (_parent, { ids }, { dependencies: { database } }) => {
    const found = await findEvents(database, parseArgument(factIds, 'ids', ids).filter(isId));
    return found.map((row) => ({ ...row, cached: false }));
  },
  events: async (_parent, args, { dependencies: { database, now } }) => {
    const page = pageOf(args, eventKey);
    const filter = parseArgument(eventFilterRules, 'filter', args.filter);
    const { rows, resumeAfter } = await listEvents(database, page, withDefaultTimes(filter ?? {}, now()));
    const connection = connectionOf(rows, page, eventKeyOf, (row) => ({ ...row, cached: false }));
    return resumeAfter === undefined ? connection : resumedBehind(connection, resumeAfter);
  },
};

import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { describe, expect, it } from 'vitest';
import { prismaAdapter } from '#platform/database/database.ts';
import { pruneIdempotencyKeys } from '#platform/database/pruning.ts';
import { appendToOutbox } from '#platform/outbox/append.ts';
import { quiet, testMessage } from '#platform/testing/messaging.ts';
import { createNameIndexer } from '../../subgraphs/event/commands/index-event-names.ts';
import { eventFilterRules } from '../../subgraphs/event/domain/event-input.ts';
import { namePrefixesOf } from '../../subgraphs/event/domain/name-search.ts';
import { testEvent } from '../../subgraphs/event/domain/testing.ts';
import { PrismaClient } from '../../subgraphs/event/generated/prisma/client.ts';
import { type EventKey, eventKeyOf, listEvents, listOrganizerPages } from '../../subgraphs/event/store/event-lists.ts';
import { findEvents, insertEvent, lockEvent, saveEvent } from '../../subgraphs/event/store/events.ts';
import { findKeyedEvent, insertKeyedEvent } from '../../subgraphs/event/store/idempotency-keys.ts';
import { expectIndexed, testPlans } from './support/plans.ts';
import { EVENTS, idOf, idSql } from './support/rows.ts';

const LIMIT = 100;
/** A tenth of all events start at this moment. */
const NEW_YEAR = new Date('2031-01-01T00:00:00.000Z');
const MINUTE_MS = 60_000;
const FIRST_MS = NEW_YEAR.getTime() - (EVENTS / 2) * MINUTE_MS;
/** For the index entries of the first word, those of the other words, temporary tables, and the events. */
const SEARCH_READS_MAX = 50_000;

let database: PrismaClient;

const list = (filter: object, after?: EventKey) => ({
  isList: true,
  readsMax: 'nameContains' in filter ? SEARCH_READS_MAX : 1_000,
  run: () => listEvents(database, { limit: LIMIT, after }, eventFilterRules.parse(filter) ?? {}),
});
const at = (share: number): EventKey => [FIRST_MS + Math.floor(EVENTS * share) * MINUTE_MS, idOf(0)];
const amidNewYear: EventKey = [NEW_YEAR.getTime(), idOf(Math.floor(EVENTS / 2))];

const newEvent = () => testEvent({ name: 'Concert of Jazz at the Harbour', startsAt: NEW_YEAR });

describe(`the statements of the event subgraph, with ${EVENTS} events`, () => {
  const { watched } = testPlans('event', {
    async makeRows({ fill, fillFrom }) {
      await fill('events', EVENTS, {
        id: idSql('n'),
        name: "CONCAT_WS(' ', IF(n % 2 = 0, 'Concert', 'Festival'), IF(n % 100 = 7, 'Jazz', 'Night'), IF(n % 2 = 0, 'Even', 'Odd'), n)",
        starts_at: `IF(n % 10 = 0, TIMESTAMP('2031-01-01'), TIMESTAMP('2031-01-01') + INTERVAL ((n * 7919) % ${EVENTS} - ${EVENTS / 2}) MINUTE)`,
        status: "IF(n % 1000 = 3, 'CANCELLED', 'SCHEDULED')",
        // One user organizes every tenth event.
        organizer_id: idSql('IF(n % 10 = 0, 0, n)'),
        initial_seats: '100',
        indexed_version: '1',
      });
      await fill('idempotency_keys', EVENTS, {
        user_id: idSql('n'),
        idempotency_key: 'n',
        event_id: idSql('n'),
        fingerprint: "''",
        created_at: 'CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 100 = 0, 48, 1) HOUR',
      });
      await fillFrom(
        'event_name_prefixes',
        EVENTS,
        (first, last) => `(event_id, prefix, starts_at, status)
          SELECT id, LEFT(word, lengths.n), starts_at, status
          FROM (
            SELECT id, starts_at, status, SUBSTRING_INDEX(SUBSTRING_INDEX(LOWER(name), ' ', words.n), ' ', -1) AS word
            FROM events
            STRAIGHT_JOIN numbers AS words ON words.n BETWEEN 1 AND 4
            WHERE events.id BETWEEN '${idOf(first)}' AND '${idOf(last)}'
          ) AS named
          STRAIGHT_JOIN numbers AS lengths ON lengths.n BETWEEN 1 AND 16 AND lengths.n <= CHAR_LENGTH(word)`,
      );
    },
    open(pool) {
      database = new PrismaClient({ adapter: prismaAdapter(pool) });
    },
    cases: {
      'the first page': list({}),
      'the first page of future events': list({ startsAfter: NEW_YEAR.toISOString() }),
      'a middle page': list({}, at(0.5)),
      'a page from the middle of events with the same start': list({}, amidNewYear),
      'the last page': list({}, at(0.9999)),
      'a page before a time': list({ startsBefore: new Date(FIRST_MS + 90 * MINUTE_MS).toISOString() }),
      'cancelled events': list({ status: 'CANCELLED' }),
      'cancelled future events': list({ status: 'CANCELLED', startsAfter: NEW_YEAR.toISOString() }),
      'a middle page of cancelled events': list({ status: 'CANCELLED' }, at(0.5)),
      'scheduled events from the middle of those with the same start': list({ status: 'SCHEDULED' }, amidNewYear),
      'a common word in names': list({ nameContains: 'concert' }),
      'the first letter of a common word': list({ nameContains: 'c' }),
      'a middle page of a common word': list({ nameContains: 'night' }, at(0.5)),
      'a common word from the middle of events with the same start': list({ nameContains: 'even' }, amidNewYear),
      'a rare word': list({ nameContains: `${EVENTS - 1}` }),
      'a word of one event in a hundred': list({ nameContains: 'jazz' }),
      'an absent word': list({ nameContains: 'zzz' }),
      'two common words that occur together': list({ nameContains: 'concert even' }),
      'two common words that never occur together': list({ nameContains: 'concert odd' }),
      'a middle page of two words that never occur together': list({ nameContains: 'concert odd' }, at(0.5)),
      'eight words': list({ nameContains: 'concert night even odd c n e o' }),
      'a common word in cancelled events': list({ nameContains: 'concert', status: 'CANCELLED' }),
      'a common word within a period': list({
        nameContains: 'night',
        startsAfter: NEW_YEAR.toISOString(),
        startsBefore: new Date(NEW_YEAR.getTime() + 90 * MINUTE_MS).toISOString(),
      }),
      'pages of organizers: the first one, from the middle of events with the same start, and of one event': {
        run: () =>
          listOrganizerPages(database, [
            { organizerId: idOf(0), page: { limit: LIMIT, after: undefined } },
            { organizerId: idOf(0), page: { limit: LIMIT, after: amidNewYear } },
            { organizerId: idOf(1), page: { limit: LIMIT, after: undefined } },
          ]),
      },
      'events by their ids': {
        readsMax: 5_000,
        run: () =>
          findEvents(
            database,
            Array.from({ length: 1_000 }, (_, n) => idOf(n * 7)),
          ),
      },
      'creating, locking, changing and publishing an event': {
        run: () =>
          database.$transaction(async (transaction) => {
            const event = newEvent();
            await insertEvent(transaction, event);
            await lockEvent(transaction, event.id);
            await saveEvent(transaction, { ...event, status: 'CANCELLED', version: 2 });
            await appendToOutbox(transaction, 'event', [testMessage(newId(), 'event.cancelled.v1')]);
          }),
      },
      'idempotency keys: inserting, finding and pruning': {
        // The pruning reads the entry after the last one that it deletes.
        readsMax: 1_100,
        async run() {
          const key = { userId: idOf(0), idempotencyKey: 'a key' };
          await insertKeyedEvent(database, { ...key, eventId: idOf(0), fingerprint: 'none' });
          expect(await findKeyedEvent(database, key)).toMatchObject({ eventId: idOf(0) });
          await pruneIdempotencyKeys(database, 86_400)(1_000);
        },
      },
      'indexing of names': {
        readsMax: 5_000,
        async run() {
          await database.$executeRaw(sql`UPDATE events SET indexed_version = 0 WHERE id < ${idOf(50)}`);
          await createNameIndexer({ database, ...quiet() }).stop();
        },
      },
    },
  });

  it('control: the test rows are indexed like real events', async () => {
    const [event] = await findEvents(database, [idOf(EVENTS - 1)]);
    const prefixes = await database.eventNamePrefix.findMany({ where: { eventId: event?.id ?? '' } });
    expect(prefixes.map(({ prefix }) => prefix).toSorted()).toEqual(namePrefixesOf(event?.name ?? '').toSorted());
    const { rows } = await listEvents(database, { limit: 1, after: undefined }, { nameContains: [`${EVENTS - 1}`] });
    expect(rows).toEqual([event]);
    const { rows: one, resumeAfter } = await listEvents(database, { limit: 1, after: at(0.1) }, {});
    expect([one[1] && eventKeyOf(one[1]), resumeAfter]).not.toEqual([undefined, undefined]);
  });

  it.each([
    ['a scan for a part of the name', () => database.event.findMany({ where: { name: { contains: 'zzz' } }, take: 9 })],
    [
      'a scan along an index for a rare value',
      () => database.event.findMany({ where: { venue: 'x' }, orderBy: { startsAt: 'asc' }, take: 9 }),
    ],
  ])('control: %s is found', async (_what, run) => {
    watched().take();
    const check = async () => {
      await run();
      expectIndexed(watched().take(), 1_000);
    };
    // With very many rows, the server ends the statement at its time limit.
    await expect(check()).rejects.toThrow(/to deeply equal|maximum statement execution time/);
  });
});

import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabasePool, prismaAdapter, type SqlExecutor } from '#platform/database/database.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createTestDatabase, type TestDatabase } from '#platform/testing/database.ts';
import { quiet } from '#platform/testing/messaging.ts';
import { createNameIndexer } from '../commands/index-event-names.ts';
import type { Event } from '../domain/event.ts';
import { eventFilterRules } from '../domain/event-input.ts';
import { wordsOf } from '../domain/name-search.ts';
import { testEvent } from '../domain/testing.ts';
import { PrismaClient } from '../generated/prisma/client.ts';
import { type EventKey, eventKeyOf, listEvents, listOrganizerPages } from './event-lists.ts';
import { insertEvent, saveEvent } from './events.ts';

const STARTS_AT = new Date('2030-06-01T12:00:00.000Z');

describe('lists of events', () => {
  let test: TestDatabase;
  let pool: ReturnType<typeof createDatabasePool>;
  let database: PrismaClient;

  beforeAll(async () => {
    test = await createTestDatabase('event');
    pool = createDatabasePool(parseConfig(databaseSettings('event_db'), { DATABASE_URL: test.url }));
    database = new PrismaClient({ adapter: prismaAdapter(pool) });
  });
  afterAll(async () => {
    await pool.end();
    await test.drop();
  });
  beforeEach(async () => {
    await database.$executeRaw(sql`DELETE FROM events`);
    await database.$executeRaw(sql`DELETE FROM event_name_prefixes`);
  });

  async function make(facts: Partial<Event> = {}): Promise<Event> {
    const event = testEvent({ startsAt: STARTS_AT, createdAt: STARTS_AT, updatedAt: STARTS_AT, ...facts });
    await database.$transaction((transaction) => insertEvent(transaction, event));
    return event;
  }
  const save = (event: Event) => database.$transaction((transaction) => saveEvent(transaction, event));

  /** Returns the names of the events on each page of a list. */
  async function pagesOf(filter: object, limit = 10): Promise<string[][]> {
    const conditions = eventFilterRules.parse(filter) ?? {};
    const pages: string[][] = [];
    for (let after: EventKey | undefined; ; ) {
      const { rows, resumeAfter } = await listEvents(database, { limit, after }, conditions);
      const shown = rows.slice(0, limit);
      pages.push(shown.map(({ name }) => name));
      const last = shown.at(-1);
      if (resumeAfter !== undefined) after = resumeAfter;
      else if (rows.length > limit && last !== undefined) after = eventKeyOf(last);
      else return pages;
    }
  }
  const named = async (nameContains: string) => (await pagesOf({ nameContains })).flat();

  it('return all fields of an event as they were written', async () => {
    const event = await make({ name: 'Grüße 🎟', description: 'One\nTwo', venue: 'Park' });
    expect((await listEvents(database, { limit: 1, after: undefined }, {})).rows).toEqual([event]);
    const found = await listEvents(database, { limit: 1, after: undefined }, { nameContains: ['gru'] });
    expect(found.rows).toEqual([event]);
  });

  it('find names by the beginnings of their words, in any order, ignoring case and accents', async () => {
    for (const name of ['Berlin Jazz Night', 'Jazz at the Café', 'Blue Night', '100% fun_fair']) await make({ name });
    expect(await named('JAZZ')).toEqual(['Berlin Jazz Night', 'Jazz at the Café']);
    expect(await named('nig ber')).toEqual(['Berlin Jazz Night']);
    expect(await named('cafe j')).toEqual(['Jazz at the Café']);
    expect(await named('100%')).toEqual(['100% fun_fair']);
    expect(await named('azz')).toEqual([]);
    expect(await named('jazz blue')).toEqual([]);
  });

  it('find an event by its current name, start and status', async () => {
    const event = await make({ name: 'Jazz Night' });
    await make({ name: 'Jazz Day', startsAt: new Date(STARTS_AT.getTime() + 1) });
    const moved = new Date(STARTS_AT.getTime() + 2);
    await save({ ...event, name: 'Jazz Evening', startsAt: moved, status: 'CANCELLED', version: 2 });
    expect(await named('night')).toEqual([]);
    expect(await named('jazz')).toEqual(['Jazz Day', 'Jazz Evening']);
    expect(await pagesOf({ nameContains: 'jazz', status: 'CANCELLED' })).toEqual([['Jazz Evening']]);
    expect(await pagesOf({ nameContains: 'jazz', startsBefore: moved.toISOString() })).toEqual([['Jazz Day']]);
  });

  it.each([{}, { status: 'SCHEDULED' }, { nameContains: 'con' }, { nameContains: 'concert part' }])(
    'show each event once when many start at the same time: %j',
    async (filter) => {
      for (let i = 0; i < 25; i += 1) await make({ name: `Concert, part ${i}` });
      const shown = await pagesOf(filter, 5);
      expect(shown.map(({ length }) => length)).toEqual([5, 5, 5, 5, 5]);
      expect(new Set(shown.flat()).size).toBe(25);
    },
  );

  it('of several organizers come from one statement, with all events of each, earliest start first', async () => {
    const [ada, bob] = [newId(), newId()];
    const at = (name: string, startsAtMs: number, facts: Partial<Event> = {}) =>
      make({ name, startsAt: new Date(startsAtMs), organizerId: ada, ...facts });
    const soon = STARTS_AT.getTime();
    await at('third', soon, { id: 'ffffffff-0000-7000-8000-000000000000' });
    await at('second', soon, { id: '00000000-0000-7000-8000-000000000000', status: 'CANCELLED' });
    const first = await at('first', Date.now() - 86_400_000);
    await at('fourth', soon + 1);
    await at('of Bob', soon, { organizerId: bob });
    let statements = 0;
    const counting: SqlExecutor = {
      $queryRaw: (statement) => {
        statements += 1;
        return database.$queryRaw(statement);
      },
      $executeRaw: (statement) => database.$executeRaw(statement),
    };
    const lists = await listOrganizerPages(counting, [
      { organizerId: ada, page: { limit: 2, after: undefined } },
      { organizerId: bob, page: { limit: 2, after: undefined } },
      { organizerId: newId(), page: { limit: 2, after: undefined } },
      { organizerId: ada, page: { limit: 2, after: [soon, '00000000-0000-7000-8000-000000000000'] } },
    ]);
    expect(lists.map((list) => list.map(({ name }) => name))).toEqual([
      ['first', 'second', 'third'],
      ['of Bob'],
      [],
      ['third', 'fourth'],
    ]);
    expect(lists[0]?.[0]).toEqual(first);
    expect(statements).toBe(1);
  });

  it('use several pages to search for two common words that rarely occur together', async () => {
    const organizerId = newId();
    const rows = Array.from({ length: 6_000 }, (_, index) => ({
      id: newId(),
      name: index === 5_500 ? 'Common Unusual' : 'Common',
      startsAt: new Date(STARTS_AT.getTime() + index),
    }));
    const prefixes = rows.flatMap(({ id, name, startsAt }) =>
      wordsOf(name).map((prefix) => ({ eventId: id, prefix, startsAt, status: 'SCHEDULED' })),
    );
    await database.event.createMany({ data: rows.map((row) => ({ ...row, organizerId, initialSeats: 1 })) });
    await database.eventNamePrefix.createMany({ data: prefixes });
    expect(await pagesOf({ nameContains: 'common unusual' })).toEqual([['Common Unusual']]);
    await database.$executeRaw(sql`UPDATE event_name_prefixes SET prefix = 'rare' WHERE prefix = 'unusual'`);
    expect(await pagesOf({ nameContains: 'common rare' })).toEqual([[], ['Common Unusual']]);
    expect(await pagesOf({ nameContains: 'common', status: 'CANCELLED' })).toEqual([[]]);
  });

  it('find events that were written without search index entries, after the indexer has run', async () => {
    const event = await make({ name: 'Indexed' });
    const other = { id: newId(), name: 'From Before', startsAt: STARTS_AT, organizerId: newId(), initialSeats: 1 };
    await database.event.create({ data: other });
    await database.event.update({ where: { id: event.id }, data: { name: 'Renamed', version: 2 } });
    expect(await named('before')).toEqual([]);
    const indexer = createNameIndexer({ database, ...quiet() });
    await vi.waitFor(async () => expect(await named('before')).toEqual(['From Before']), { timeout: 10_000 });
    expect(await named('renamed')).toEqual(['Renamed']);
    expect(await named('indexed')).toEqual([]);
    await indexer.stop();
  });
});

describe('the filter of a list of events', () => {
  it.each([
    ['no letter or digit', '%_%', 'must contain a letter or a digit'],
    ['too many words', 'a b c d e f g h i', 'must have at most 8 words'],
  ])('is refused with %s', (_what, nameContains, message) => {
    expect(eventFilterRules.safeParse({ nameContains }).error?.issues).toMatchObject([{ message }]);
  });
});

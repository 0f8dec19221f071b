import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { pruneIdempotencyKeys } from '#platform/database/pruning.ts';
import type { Caller } from '#platform/identity/identity.ts';
import type { CreateEventRequest } from '../domain/event-input.ts';
import { createEventTestDependencies } from '../testing.ts';
import { createEvent } from './create-event.ts';
import type { EventDependencies } from './dependencies.ts';
import { reviseEvent } from './revise-event.ts';

const DAY_MS = 86_400_000;
const KEY = 'the-key-of-this-test';

describe('creating an event with an idempotency key', () => {
  let test: Awaited<ReturnType<typeof createEventTestDependencies>>;
  let dependencies: EventDependencies;
  let caller: Caller;

  beforeAll(async () => {
    test = await createEventTestDependencies();
    ({ dependencies } = test);
  });
  afterAll(() => test.remove());
  beforeEach(() => {
    caller = { userId: newId(), role: 'USER' };
  });

  const startsAt = new Date(Date.now() + DAY_MS);
  const create = (input: Partial<CreateEventRequest> = {}, changed: Partial<EventDependencies> = {}) =>
    createEvent(
      { ...dependencies, ...changed },
      {
        caller,
        requestId: 'test',
        input: { name: 'Concert', startsAt, totalSeats: 100, idempotencyKey: KEY, ...input },
      },
    );
  /** Returns the rows that the caller's requests have created. */
  async function stored() {
    const { database } = dependencies;
    const { userId } = caller;
    const events = await database.event.findMany({ where: { organizerId: userId } });
    const messages = await database.outboxMessage.count({ where: { payload: { contains: userId } } });
    return { events, messages, keys: await database.idempotencyKey.count({ where: { userId } }) };
  }

  it('creates one event with one message, and returns the event to a retry', async () => {
    const first = await create();
    expect(first).toMatchObject({ outcome: 'created', replayed: false });
    expect(await create()).toEqual({ ...first, replayed: true });
    expect(await stored()).toMatchObject({ events: [{}], messages: 1, keys: 1 });
  });

  it('returns the current state of the event to a retry, even after it was changed or has started', async () => {
    const first = await create();
    if (first.outcome !== 'created') throw new Error(first.outcome);
    const { id } = first.event;
    const input = { id, expectedVersion: 1, changes: { name: 'Gala' } };
    await reviseEvent(dependencies, { caller, requestId: 'test', input });
    const now = () => new Date(startsAt.getTime() + 1);
    expect(await create({}, { now })).toMatchObject({ replayed: true, event: { id, name: 'Gala', version: 2 } });
    expect(await create({ idempotencyKey: 'another-key' }, { now })).toEqual({ outcome: 'starts-in-past' });
  });

  it('refuses a different request with the same key, and changes nothing', async () => {
    await create({ venue: 'Hall' });
    for (const input of [{ venue: 'Park' }, { venue: null }, { venue: 'Hall', totalSeats: 1 }]) {
      expect(await create(input)).toEqual({ outcome: 'key-reused' });
    }
    expect(await stored()).toMatchObject({ events: [{ venue: 'Hall' }], messages: 1, keys: 1 });
  });

  it('refuses a sale that ends after the start, and stores nothing', async () => {
    const salesEndAt = new Date(startsAt.getTime() + 1);
    expect(await create({ salesEndAt })).toMatchObject({ outcome: 'wrong-time', field: 'salesEndAt' });
    expect(await stored()).toEqual({ events: [], messages: 0, keys: 0 });
    expect(await create({ salesEndAt: startsAt })).toMatchObject({
      outcome: 'created',
      event: { salesEndAt: startsAt },
    });
  });

  it('treats the same key of two users as two keys', async () => {
    const first = await create();
    caller = { userId: newId(), role: 'USER' };
    const second = await create({ name: 'Another' });
    expect([first, second]).toMatchObject([{ replayed: false }, { replayed: false }]);
  });

  it('creates a new event for each request without a key, and for keys that differ in case', async () => {
    for (const idempotencyKey of [undefined, null, 'upper-or-lower', 'UPPER-OR-LOWER']) {
      expect(await create({ idempotencyKey })).toMatchObject({ outcome: 'created', replayed: false });
    }
    expect(await stored()).toMatchObject({ events: [{}, {}, {}, {}], messages: 4, keys: 2 });
  });

  it('creates one event for many simultaneous requests with the same key', async () => {
    const creations = await Promise.all(Array.from({ length: 40 }, () => create()));
    const made = creations.map((creation) => (creation.outcome === 'created' ? creation : undefined));
    expect(new Set(made.map((creation) => creation?.event.id)).size).toBe(1);
    expect(made.filter((creation) => creation?.replayed === false)).toHaveLength(1);
    expect(await stored()).toMatchObject({ events: [{}], messages: 1, keys: 1 });
  });

  it('creates one event when two different requests use the same key at the same time', async () => {
    const outcomes = await Promise.all([create({ name: 'Concert' }), create({ name: 'Gala' })]);
    expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['created', 'key-reused']);
    expect(await stored()).toMatchObject({ events: [{}], messages: 1, keys: 1 });
  });

  it('returns the event to a retry after a crash between commit and answer', async () => {
    const nudge = () => {
      throw new Error('lost');
    };
    await expect(create({}, { relay: { ...dependencies.relay, nudge } })).rejects.toThrow('lost');
    const { events } = await stored();
    expect(await create()).toMatchObject({ replayed: true, event: { id: events[0]?.id } });
    expect(await stored()).toMatchObject({ events: [{}], messages: 1, keys: 1 });
  });

  it('creates the event on a retry after the first transaction was rolled back', async () => {
    const other = await create({ idempotencyKey: 'another-key' });
    // The key is inserted first. Then the event's row is refused, because another event has the same id.
    const sameId = () => (other.outcome === 'created' ? other.event.id : '');
    await expect(create({}, { newId: sameId })).rejects.toThrow();
    expect(await stored()).toMatchObject({ events: [{}], messages: 1, keys: 1 });
    expect(await create()).toMatchObject({ outcome: 'created', replayed: false });
  });

  it('deletes expired keys in batches, by the database’s clock', async () => {
    const { database } = dependencies;
    await database.idempotencyKey.deleteMany();
    for (const key of ['one-old-key', 'two-old-key', 'three-old-key']) await create({ idempotencyKey: key });
    await database.$executeRaw`UPDATE idempotency_keys SET created_at = CURRENT_TIMESTAMP(3) - INTERVAL 61 SECOND`;
    await create();
    const prune = () => pruneIdempotencyKeys(database, 60)(2);
    expect([await prune(), await prune(), await prune()]).toEqual([2, 1, 0]);
    expect(await create()).toMatchObject({ replayed: true });
    expect(await create({ idempotencyKey: 'one-old-key' })).toMatchObject({ replayed: false });
  });
});

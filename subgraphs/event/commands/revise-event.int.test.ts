import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Caller } from '#platform/identity/identity.ts';
import type { Event } from '../domain/event.ts';
import { createEventTestDependencies } from '../testing.ts';
import { createEvent } from './create-event.ts';
import type { EventDependencies } from './dependencies.ts';
import { reviseEvent } from './revise-event.ts';

const DAY_MS = 86_400_000;

describe('events in a real database', () => {
  let test: Awaited<ReturnType<typeof createEventTestDependencies>>;
  let dependencies: EventDependencies;
  const organizer: Caller = { userId: newId(), role: 'USER' };
  const invalidate = vi.fn(async () => undefined);

  beforeAll(async () => {
    test = await createEventTestDependencies();
    dependencies = { ...test.dependencies, cache: { ...test.dependencies.cache, invalidate } };
  });
  afterAll(() => test.remove());

  const request = <Input>(input: Input, caller = organizer) => ({ caller, requestId: 'test', input });
  async function make(name = 'Concert', startsAt = new Date(Date.now() + DAY_MS)): Promise<Event> {
    const creation = await createEvent(dependencies, request({ name, startsAt, totalSeats: 100 }));
    if (creation.outcome !== 'created') throw new Error(creation.outcome);
    return creation.event;
  }
  const messagesOf = async ({ id }: Event) => {
    const rows = await dependencies.database.outboxMessage.findMany({ orderBy: { id: 'asc' } });
    return rows.map(({ payload }) => JSON.parse(payload)).filter(({ subject }) => subject === id);
  };

  it('are stored with millisecond precision in UTC, together with their message', async () => {
    const event = await make('Grüße 🎟', new Date('2030-06-01T12:00:00.123Z'));
    const row = await dependencies.database.event.findUniqueOrThrow({ where: { id: event.id } });
    expect(row).toEqual(event);
    const [message] = await messagesOf(event);
    expect(message).toMatchObject({
      type: 'event.created.v1',
      source: 'event',
      correlationid: 'test',
      data: { eventId: event.id, startsAt: '2030-06-01T12:00:00.123Z', initialSeats: 100, version: 1 },
    });
  });

  it('accept only one of several simultaneous changes to the same version', async () => {
    const { id } = await make();
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        reviseEvent(dependencies, request({ id, expectedVersion: 1, changes: { name: `Name ${i}` } })),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === 'revised')).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === 'version-conflict')).toHaveLength(7);
  });

  it('publish one message per change, and invalidate the cache after each change', async () => {
    const event = await make();
    const { id } = event;
    invalidate.mockClear();
    await reviseEvent(dependencies, request({ id, expectedVersion: 1, changes: { venue: 'Park' } }));
    await reviseEvent(dependencies, request({ id, expectedVersion: 2, changes: { venue: 'Park' } }));
    await reviseEvent(dependencies, request({ id, expectedVersion: 2, changes: { status: 'CANCELLED' } }));
    expect((await messagesOf(event)).map(({ type }) => type)).toEqual([
      'event.created.v1',
      'event.updated.v1',
      'event.cancelled.v1',
    ]);
    expect(invalidate.mock.calls).toEqual([
      [id, 2],
      [id, 3],
    ]);
  });

  it('carry the rules of the sale in their rows and messages, and refuse a window after the start', async () => {
    const event = await make();
    const { id, startsAt } = event;
    const sale = { salesStartAt: new Date(startsAt.getTime() - 1), salesEndAt: startsAt, maxSeatsPerUser: 4 };
    const revise = (expectedVersion: number, changes: Partial<Event>) =>
      reviseEvent(dependencies, request({ id, expectedVersion, changes }));
    const late = { salesEndAt: new Date(startsAt.getTime() + 1) };
    expect(await revise(1, late)).toMatchObject({ outcome: 'wrong-time', field: 'salesEndAt' });
    const revised = await revise(1, sale);
    const row = await dependencies.database.event.findUniqueOrThrow({ where: { id } });
    expect(revised).toEqual({ outcome: 'revised', event: row });
    expect(row).toMatchObject(sale);
    await revise(2, { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null });
    const none = { salesStartAt: null, salesEndAt: null, maxSeatsPerUser: null };
    expect((await messagesOf(event)).map(({ data }) => data)).toMatchObject([
      none,
      JSON.parse(JSON.stringify(sale)),
      none,
    ]);
  });

  it('can be changed only by their organizer and by admins', async () => {
    const { id } = await make();
    const input = { id, expectedVersion: 1, changes: { name: 'Mine' } };
    const stranger: Caller = { userId: newId(), role: 'USER' };
    await expect(reviseEvent(dependencies, request(input, stranger))).rejects.toMatchObject({
      extensions: { code: 'FORBIDDEN' },
    });
    const admin: Caller = { userId: newId(), role: 'ADMIN' };
    expect(await reviseEvent(dependencies, request(input, admin))).toMatchObject({ outcome: 'revised' });
  });

  it('cannot be cancelled or moved after their start, and the attempt publishes no message', async () => {
    const startsAt = new Date(Date.now() + DAY_MS);
    const event = await make('Concert', startsAt);
    const started = { ...dependencies, now: () => startsAt };
    for (const changes of [{ status: 'CANCELLED' } as const, { startsAt: new Date(startsAt.getTime() + DAY_MS) }]) {
      const input = { id: event.id, expectedVersion: 1, changes };
      expect(await reviseEvent(started, request(input))).toEqual({ outcome: 'already-started' });
    }
    const correction = { id: event.id, expectedVersion: 1, changes: { venue: 'Park' } };
    expect(await reviseEvent(started, request(correction))).toMatchObject({ outcome: 'revised' });
    expect((await messagesOf(event)).map(({ type }) => type)).toEqual(['event.created.v1', 'event.updated.v1']);
  });

  it('are reported as not found when they do not exist', async () => {
    const input = { id: newId(), expectedVersion: 1, changes: {} };
    expect(await reviseEvent(dependencies, request(input))).toEqual({ outcome: 'not-found' });
  });
});

import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { unavailable } from '#platform/errors/errors.ts';
import type { BookingDependencies } from '../commands/dependencies.ts';
import { createBookingTestDatabase, makeEvent } from '../testing.ts';
import { createLoaders } from './loaders.ts';

let bookings: Awaited<ReturnType<typeof createBookingTestDatabase>>;
beforeAll(async () => {
  bookings = await createBookingTestDatabase();
});
afterAll(() => bookings?.remove());

test('Only events without an inventory fail while the event subgraph does not answer', async () => {
  const { database, sql } = bookings.connect();
  const { eventId } = await makeEvent(database, { initialSeats: 7 });
  const eventFacts = { fetch: () => Promise.reject(unavailable()) };
  const { inventories } = createLoaders({ database, sql, eventFacts } as unknown as BookingDependencies)();
  const [known, unknown, malformed] = await Promise.allSettled(
    [eventId, newId(), 'x'].map((id) => inventories.load(id)),
  );
  expect(known).toMatchObject({ value: { availableSeats: 7 } });
  expect(unknown).toMatchObject({ reason: { extensions: { code: 'SERVICE_UNAVAILABLE' } } });
  expect(malformed).toEqual({ status: 'fulfilled', value: null });
});

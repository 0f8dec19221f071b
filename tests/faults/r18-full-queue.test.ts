import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { book, type Client, createEvent, signUp } from '../support/client.ts';
import { connectTo, expectSeatsAddUp } from '../support/invariants.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const CALLERS = 300;
const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { __typename ... on CreateBookingPayload { booking { id } } }
}`;

describe('more concurrent bookings than the queue holds', () => {
  let system: TestSystem;
  let ada: Client;

  beforeAll(async () => {
    system = await startTestSystem({ env: { BOOKING_QUEUE_MAX: '5' } });
    ada = await signUp(system.graphqlUrl);
  });
  afterAll(() => system?.stop());

  it('are booked, or refused with a retry time, and the subgraph stays healthy', async () => {
    const eventId = await createEvent(ada, { totalSeats: 1_000 });
    const answers = await Promise.all(
      Array.from({ length: CALLERS }, (_, index) =>
        ada.send(BOOK, { input: { eventId, seatCount: 1, idempotencyKey: `overload-${index}` } }),
      ),
    );
    const made = answers.filter(({ data }) => data?.createBooking.__typename === 'CreateBookingPayload');
    const refused = answers.filter(({ errors }) => errors !== undefined);
    expect(made.length + refused.length).toBe(CALLERS);
    expect(refused.length).toBeGreaterThan(0);
    for (const { errors } of refused) {
      expect(errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }]);
    }
    expect((await fetch(`${system.urls.booking}/health`)).status).toBe(200);

    // All callers try again with the same keys. Afterwards each key has exactly one booking.
    for (let index = 0; index < CALLERS; index += 1) {
      await book(ada, eventId, { idempotencyKey: `overload-${index}` });
    }
    const connection = await connectTo(system.databaseUrls.booking);
    const [row] = await connection.query<{ count: bigint }[]>('SELECT COUNT(*) AS count FROM bookings');
    expect(Number(row?.count)).toBe(CALLERS);
    await expectSeatsAddUp(connection);
    await connection.end();
  });
});

import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createEvent, signUp, signUpAdmin } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const BOOK = `mutation Book($input: CreateBookingInput!) {
  createBooking(input: $input) { ... on CreateBookingPayload { replayed booking { id } } ... on DomainError { code } }
}`;

describe('while the user subgraph does not answer', () => {
  let system: TestSystem;
  let admin: Client;
  let bob: Client;
  let eventId: string;

  beforeAll(async () => {
    system = await startTestSystem({ env: { USER_SUBGRAPH_TIMEOUT_MS: '500' } });
    [admin, bob] = [await signUpAdmin(system), await signUp(system.graphqlUrl, 'Bob')];
    eventId = await createEvent(bob);
  });
  afterAll(() => system?.stop());

  it('users can book for themselves, and admins can book for others when it answers again', async () => {
    const book = (client: Client, userId?: string, idempotencyKey: string = randomUUID()) =>
      client.send(BOOK, { input: { eventId, seatCount: 1, idempotencyKey, userId } });
    const booked = { createBooking: { replayed: false } };
    const forBob = () => book(admin, bob.userId, 'an-admin-for-bob');

    system.pause(system.urls.user);
    try {
      expect((await forBob()).errors).toMatchObject([{ extensions: { code: 'SERVICE_UNAVAILABLE' } }]);
      expect((await book(admin)).data).toMatchObject(booked);
      expect((await book(admin, admin.userId)).data).toMatchObject(booked);
      expect((await book(bob)).data).toMatchObject(booked);
    } finally {
      system.resume(system.urls.user);
    }
    expect((await forBob()).data).toMatchObject(booked);
    expect((await forBob()).data).toMatchObject({ createBooking: { replayed: true } });
  });
});

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createOwnBroker, type OwnBroker } from './support/broker.ts';
import { book, createEvent, signUp } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

describe('while the broker is down', () => {
  let system: TestSystem;
  let broker: OwnBroker;

  beforeAll(async () => {
    broker = await createOwnBroker();
    system = await startTestSystem({ natsUrl: broker.url });
  });
  afterAll(async () => {
    await system?.stop();
    await broker?.remove();
  });

  it('events can be created, booked and sold out, and the notifications follow when the broker is back', async () => {
    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada, { totalSeats: 3 });
    expect(await book(ada, eventId, { seatCount: 2 })).toMatchObject({ booking: { event: { availableSeats: 1 } } });
    expect(await book(ada, eventId, { seatCount: 2 })).toMatchObject({ __typename: 'SoldOutError' });
    const ready = await fetch(`${system.urls.booking}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { status: 'degraded', checks: { broker: { status: 'down' } } },
    ]);

    await broker.start();
    const notifications = async () =>
      (await ada.send('{ notifications { nodes { kind status } } }')).data.notifications.nodes;
    await vi.waitFor(
      async () => expect(await notifications()).toEqual([{ kind: 'BOOKING_CONFIRMED', status: 'SENT' }]),
      { timeout: 20_000, interval: 200 },
    );
    await vi.waitFor(
      async () => expect(await (await fetch(`${system.urls.booking}/ready`)).json()).toMatchObject({ status: 'ready' }),
      {
        timeout: 10_000,
        interval: 200,
      },
    );
  });
});

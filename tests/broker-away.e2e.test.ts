import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { nats } from '#scripts/local/nats.ts';
import { freePorts } from '#scripts/local/ports.ts';
import type { LocalProcess } from '#scripts/local/processes.ts';
import { startServer } from '#scripts/local/server.ts';
import { book, createEvent, signUp } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const STOP_GRACE_MS = 5_000;

describe('while the broker is away', () => {
  let system: TestSystem;
  let broker: LocalProcess | undefined;
  let port: number;
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-broker-'));

  beforeAll(async () => {
    ({ port } = await freePorts(['port']));
    system = await startTestSystem({ natsUrl: `nats://127.0.0.1:${port}` });
  });
  afterAll(async () => {
    await system?.stop();
    await broker?.stop(STOP_GRACE_MS);
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('an event is created, booked and sold out, and the notifications follow once the broker is back', async () => {
    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada, { totalSeats: 3 });
    expect(await book(ada, eventId, { seatCount: 2 })).toMatchObject({ booking: { event: { availableSeats: 1 } } });
    expect(await book(ada, eventId, { seatCount: 2 })).toMatchObject({ __typename: 'SoldOutError' });
    const ready = await fetch(`${system.urls.booking}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { status: 'degraded', checks: { broker: { status: 'down' } } },
    ]);

    broker = await startServer(nats(port, dataDir), dataDir);
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

import { randomUUID } from 'node:crypto';
import type { Connection } from 'mariadb';
import type { JsMsg } from 'nats';
import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { GATEWAY_PROOF_HEADER } from '#platform/identity/identity.ts';
import { serializeMessage } from '#platform/messaging/message.ts';
import { testMessage } from '#platform/testing/messaging.ts';
import { signInMany } from '../support/buyers.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { eachOfMany } from '../support/random.ts';
import { openSale, type Sale } from '../support/sale.ts';
import { openStreams, type Streams } from '../support/streams.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const REDRIVE = 'mutation Redrive($id: ID!) { redriveDeadLetter(id: $id) { __typename } }';
const REQUEST_TIMEOUT_MS = 5_000;
const OF_EACH = 10;
const POISON = 4 * OF_EACH;
const NEIGHBOURS = 500;
/** Far less than the 156 s until a message becomes a dead letter. A delayed neighbour would wait that long. */
const LATENCY_MS_MAX = 10_000;
const CONSUMER = 'notification-bookings';
/** The number of deliveries: the first one, and one after each of the four delays. */
const DELIVERIES_MAX = 5;
const DELAYS_MS_MAX = 60_000;
const HOLD_MS = 5_000;
const SOON = { timeout: 10_000, interval: 50 };

describe('R9: messages that cannot be processed', () => {
  let system: TestSystem;
  let sale: Sale;
  let streams: Streams;
  let notifications: Connection;
  const acknowledged: string[] = [];

  beforeAll(async () => {
    system = await startTestSystem();
    sale = await openSale(system);
    streams = openStreams(system);
    notifications = await connectTo(system.ownerUrl('notification'));
    // Makes the handler fail for bookings of nine seats.
    await notifications.query('ALTER TABLE notifications ADD CONSTRAINT no_nines CHECK (seat_count <> 9)');
  });
  afterAll(async () => {
    await notifications?.end();
    await streams?.close();
    await sale?.close();
    await system?.stop();
  });

  async function publishPoison(): Promise<void> {
    const { client } = await streams.broker.jetStream();
    const publish = (type: string, body: string | Buffer) => client.publish(streams.broker.subject(type), body);
    for (let count = 0; count < OF_EACH; count += 1) {
      await publish('booking.confirmed.v1', 'not JSON');
      await publish('booking.confirmed.v2', serializeMessage('test', testMessage(newId(), 'booking.confirmed.v2')));
      await publish('booking.cancelled.v1', Buffer.alloc(2 ** 20, 'x'));
    }
    const nines = await eachOfMany(sale.buyers.slice(0, OF_EACH), 2, (buyer) =>
      sale
        .processAt(system.urls.booking)
        .book(buyer, { eventId: sale.eventId, seatCount: 9, idempotencyKey: randomUUID() }),
    );
    for (const answer of nines) if (answer.outcome === 'booked') acknowledged.push(answer.bookingId);
    expect(acknowledged).toHaveLength(OF_EACH);
  }

  /** Returns the time from each booking to its notification, by the clock of the database. */
  async function latenciesMs(ids: readonly string[]): Promise<number[]> {
    const bookings = await connectTo(system.databaseUrls.booking);
    type Row = { id: string; created_at: Date };
    const booked = await bookings.query<Row[]>('SELECT id, created_at FROM bookings WHERE id IN (?)', [ids]);
    await bookings.end();
    const made = await notifications.query<Row[]>(
      'SELECT booking_id AS id, created_at FROM notifications WHERE booking_id IN (?)',
      [ids],
    );
    const bookedAt = new Map(booked.map((row) => [row.id, row.created_at.getTime()]));
    return made.map((row) => row.created_at.getTime() - (bookedAt.get(row.id) ?? 0));
  }

  /**
   * Waits until the broker holds no pull request. Until then it may send a message to a process that is gone or no longer
   * listens. The broker counts this as a delivery, and delivers the message again after 30 s.
   */
  const untilNoPullRequests = () =>
    vi.waitFor(async () => expect((await streams.consumer('BOOKINGS', CONSUMER)).num_waiting).toBe(0), SOON);

  /**
   * Fails every message, as replicas would, until only its last delivery is left. It holds these messages until all
   * have reached that point, and then returns them together. Otherwise a returned message would be delivered too often
   * while other messages still wait for the delay after a failure, which is 30 s after the third failure.
   */
  async function wearOut(): Promise<void> {
    const { client } = await streams.broker.jetStream();
    const { stream_name, name } = await streams.consumer('BOOKINGS', CONSUMER);
    const consumer = await client.consumers.get(stream_name, name);
    const worn: JsMsg[] = [];
    // Otherwise the broker delivers them again after 30 s without an acknowledgement.
    const holding = setInterval(() => {
      for (const message of worn) message.working();
    }, HOLD_MS);
    for await (const message of await consumer.consume({ expires: 1_000 })) {
      const { deliveryCount } = message.info;
      expect(deliveryCount).toBeLessThan(DELIVERIES_MAX);
      // All bad messages were delivered before. When a pull request ends, NATS 2.9 can count the last message of the
      // stream as not delivered, and deliver it again although it was acknowledged.
      if (deliveryCount === 1) message.ack();
      else if (deliveryCount === DELIVERIES_MAX - 1) worn.push(message);
      else message.nak();
      if (worn.length === POISON) break;
    }
    await untilNoPullRequests();
    clearInterval(holding);
    for (const message of worn) message.nak();
  }

  /** Redrives as an admin with the proof of the gateway. The gateway itself only knows the first process. */
  async function redrive(notificationUrl: string, id: string): Promise<void> {
    const [admin] = await signInMany(1, system.secrets, 'ADMIN');
    const answer = await fetch(`${notificationUrl}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: admin?.authorization ?? '',
        [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.notification,
      },
      body: JSON.stringify({ query: REDRIVE, variables: { id } }),
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    expect(await answer.json()).toEqual({ data: { redriveDeadLetter: { __typename: 'RedriveDeadLetterPayload' } } });
  }

  it('do not delay other messages, become dead letters with a reason, and have one effect when redriven', {
    timeout: 3 * DELAYS_MS_MAX,
  }, async () => {
    const [, neighbours] = await Promise.all([publishPoison(), sale.sell(system.urls.booking, NEIGHBOURS, 4)]);
    acknowledged.push(...neighbours);
    await vi.waitFor(async () => expect(await latenciesMs(neighbours)).toHaveLength(NEIGHBOURS), { timeout: 20_000 });
    expect(Math.max(...(await latenciesMs(neighbours)))).toBeLessThan(LATENCY_MS_MAX);
    // A neighbour's notification is committed shortly before its message is acknowledged.
    await vi.waitFor(
      async () => expect((await streams.consumer('BOOKINGS', CONSUMER)).num_ack_pending).toBe(POISON),
      SOON,
    );

    system.kill(system.urls.notification);
    await untilNoPullRequests();
    await wearOut();
    const replica = await system.startReplica('notification');
    const letters = async () =>
      await notifications.query<{ id: string; about: string }[]>(
        `SELECT id, CONCAT_WS(' ', consumer, subject, deliveries, LENGTH(payload) = ${2 ** 20}, reason) AS about
         FROM dead_letters ORDER BY id`,
      );
    await vi.waitFor(async () => expect(await letters()).toHaveLength(POISON), { timeout: 45_000 });
    const counts = Map.groupBy(await letters(), ({ about }) => about);
    const reasonOf = (subject: string, isLarge: 0 | 1, reason: string) =>
      `${CONSUMER} ${subject} ${DELIVERIES_MAX} ${isLarge} ${reason}`;
    for (const about of [
      reasonOf('booking.confirmed.v1', 0, 'the body is not JSON'),
      reasonOf('booking.confirmed.v2', 0, 'no handler for booking.confirmed.v2'),
      reasonOf('booking.cancelled.v1', 1, 'the body is not JSON'),
    ]) {
      expect(counts.get(about)).toHaveLength(OF_EACH);
      counts.delete(about);
    }
    const thrown = [...counts].flatMap(([about, rows]) => (about.includes('no_nines') ? rows : []));
    expect(thrown).toHaveLength(OF_EACH);

    await notifications.query('ALTER TABLE notifications DROP CONSTRAINT no_nines');
    for (const { id } of [...thrown, ...thrown]) await redrive(replica, id);
    await expectNothingLostNorDoubled(system, { acknowledged, deadLetters: POISON });
  });
});

import { setTimeout as delay } from 'node:timers/promises';
import { OperationError } from '#client/answers.ts';
import { type Client, createKey } from '#client/client.ts';
import { oneOf } from '#tests/support/random.ts';

/** A booking of one seat, with its times in ms since the beginning of the load. */
export interface Booking {
  readonly eventId: string;
  readonly key: string;
  /** When it was due to be sent. */
  readonly dueMs: number;
  readonly answeredMs: number;
  readonly outcome: 'confirmed' | 'refused' | 'failed';
  /** The code of the refusal or of the failure. */
  readonly code?: string;
  readonly bookingId?: string;
}

/** A load that runs. Its bookings are in the order of their answers. */
export interface Load {
  readonly bookings: readonly Booking[];
  readonly planned: number;
  nowMs(): number;
  /** Resolves when all answers are there. */
  readonly done: Promise<void>;
}

/**
 * Starts an open-loop load: each booking leaves when it is due, whatever the answers to earlier ones are. So a slow
 * server does not slow the load down, and the latencies contain the time that a booking had to wait to be sent
 * (Gil Tene's "coordinated omission" is avoided). Each booking is for a random client and event.
 */
export function startLoad({
  clients,
  eventIds,
  dueTimesMs,
}: {
  clients: readonly Client[];
  eventIds: readonly string[];
  dueTimesMs: readonly number[];
}): Load {
  const beganAtMs = performance.now();
  const nowMs = () => performance.now() - beganAtMs;
  const bookings: Booking[] = [];

  async function send(dueMs: number): Promise<void> {
    const request = { eventId: oneOf(eventIds, Math.random), key: createKey(), dueMs };
    const outcome = await book(oneOf(clients, Math.random), request);
    bookings.push({ ...request, ...outcome, answeredMs: nowMs() });
  }

  async function depart(): Promise<void> {
    const sent: Promise<void>[] = [];
    for (const dueMs of dueTimesMs) {
      const waitMs = dueMs - nowMs();
      if (waitMs > 0) await delay(waitMs);
      sent.push(send(dueMs));
    }
    await Promise.all(sent);
  }
  return { bookings, planned: dueTimesMs.length, nowMs, done: depart() };
}

async function book(
  client: Client,
  { eventId, key }: { eventId: string; key: string },
): Promise<Pick<Booking, 'outcome' | 'code' | 'bookingId'>> {
  try {
    const result = await client.book({ eventId, idempotencyKey: key });
    if (result.__typename === 'CreateBookingPayload') return { outcome: 'confirmed', bookingId: result.booking.id };
    return { outcome: 'refused', code: result.code };
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    return { outcome: 'failed', code: error.code };
  }
}

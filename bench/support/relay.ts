import { setTimeout as delay } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { v7 as newId } from 'uuid';
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { createBroker } from '#platform/messaging/broker.ts';
import { appendToOutbox } from '#platform/outbox/append.ts';
import { createRelay } from '#platform/outbox/relay.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { createLogger } from '#platform/process/logger.ts';
import { LocalError } from '#scripts/local/settings.ts';
import { PrismaClient } from '../../subgraphs/booking/generated/prisma/client.ts';
import { bookingMessage } from '../../subgraphs/booking/messaging/booking-changed.ts';
import { bookingStream } from '../../subgraphs/booking/messaging/contract.ts';

const CHUNK = 1_000;
const POLL_MS = 5;

/**
 * Fills an outbox and lets one relay publish it. Returns messages per second, from the relay's start until it has
 * marked the last message as published.
 * @throws LocalError when the stream does not have all messages
 */
export async function measureRelay({
  databaseUrl,
  natsUrl,
  round,
  count,
}: {
  databaseUrl: string;
  natsUrl: string;
  round: number;
  count: number;
}): Promise<number> {
  const pool = createDatabasePool(parseConfig(databaseSettings('booking_db'), { DATABASE_URL: databaseUrl }));
  const database = new PrismaClient({ adapter: prismaAdapter(pool) });
  const logger = createLogger({ service: 'bench', level: 'warn' });
  const settings = { NATS_URL: natsUrl, NATS_REPLICAS: 1, NATS_SUBJECT_PREFIX: `round${round}.` };
  const broker = createBroker({ settings, name: 'bench', logger });
  for (let filled = 0; filled < count; filled += CHUNK) {
    await appendToOutbox(database, 'booking', Array.from({ length: CHUNK }, message));
  }
  const { manager } = await broker.jetStream();

  const beganAtMs = performance.now();
  const metrics = new Registry();
  const relay = createRelay({ database, broker, stream: bookingStream, logger, metrics });
  while ((await countPublished(metrics)) < count) await delay(POLL_MS);
  const tookMs = performance.now() - beganAtMs;
  await relay.stop();
  const { state } = await manager.streams.info(broker.resourceName(bookingStream.name));
  await broker.close();
  await pool.end();
  if (state.messages !== count) throw new LocalError(`${state.messages} of ${count} messages were published.`);
  return count / (tookMs / 1_000);
}

async function countPublished(metrics: Registry): Promise<number> {
  const counter = await metrics.getSingleMetric('outbox_published_total')?.get();
  return counter?.values[0]?.value ?? 0;
}

function message() {
  const booking = { id: newId(), eventId: newId(), userId: newId(), seatCount: 2, status: 'CONFIRMED' } as const;
  const rest = { createdAt: new Date(), cancelledAt: null, cancellationReason: null, checkedInSeats: 0 };
  return bookingMessage('booking.confirmed.v1', { ...booking, ...rest }, { messageId: newId(), requestId: newId() });
}

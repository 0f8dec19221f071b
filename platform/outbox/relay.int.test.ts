import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { createSqlClient, createTestBroker, quiet, testMessage } from '../testing/messaging.ts';
import { createProxy } from '../testing/proxy.ts';
import { appendToOutbox } from './append.ts';
import { pruneOutbox } from './prune.ts';
import { createRelay, type Relay } from './relay.ts';

const stream = { name: 'THINGS', subjects: ['thing.>'], consumers: ['tester'], bytesMax: 64 * 2 ** 20 };
const TYPE = 'thing.happened.v1';
const SOON = { timeout: 10_000, interval: 20 };

let testDatabase: TestDatabase;
let database: ReturnType<typeof createSqlClient>;
let broker: ReturnType<typeof createTestBroker>;
let cleanUps: (() => unknown)[];

beforeAll(async () => {
  testDatabase = await createTestDatabase('booking');
  database = createSqlClient(testDatabase.url);
});
afterAll(async () => {
  await database.pool.end();
  await testDatabase.drop();
});
beforeEach(async () => {
  await database.$executeRaw(sql`DELETE FROM outbox`);
  broker = createTestBroker();
  cleanUps = [() => broker.close()];
  await broker.ensureStream(stream);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

function relay(options: Partial<Parameters<typeof createRelay>[0]> = {}): Relay {
  const started = createRelay({ database, broker, stream, ...quiet(), ...options });
  cleanUps.push(() => started.stop());
  return started;
}

/** Commits messages to the outbox, as a command does, and returns their ids. */
async function append(count: number, data: unknown = {}): Promise<string[]> {
  const messages = Array.from({ length: count }, () => testMessage(newId(), TYPE, data));
  await database.$transaction((transaction) => appendToOutbox(transaction, 'test', messages));
  return messages.map(({ id }) => id);
}

async function countUnpublished(): Promise<number> {
  const [row] = await database.$queryRaw<{ rows: bigint }[]>(
    sql`SELECT COUNT(*) AS \`rows\` FROM outbox WHERE published_at IS NULL`,
  );
  return Number(row?.rows);
}

/** The ids of the messages that were set aside. */
async function refusedIds(): Promise<string[]> {
  const rows = await database.$queryRaw<{ id: string }[]>(
    sql`SELECT id FROM outbox WHERE refused_at IS NOT NULL AND published_at IS NULL ORDER BY id`,
  );
  return rows.map(({ id }) => id);
}

/** The ids of the messages in the stream, in its order. */
async function publishedIds(): Promise<string[]> {
  const { manager } = await broker.jetStream();
  const name = broker.resourceName(stream.name);
  const { state } = await manager.streams.info(name);
  const seqs = Array.from({ length: state.messages }, (_, index) => state.first_seq + index);
  const messages = await Promise.all(seqs.map((seq) => manager.streams.getMessage(name, { seq })));
  return messages.map((message) => message.json<{ id: string }>().id);
}

test('a message in the outbox is published in its envelope, and marked as published', async () => {
  const [id = ''] = await append(1, { seats: 2 });
  relay();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  const { manager } = await broker.jetStream();
  const message = await manager.streams.getMessage(broker.resourceName(stream.name), { seq: 1 });
  expect(message.subject).toBe(broker.subject(TYPE));
  expect(message.header.get('Nats-Msg-Id')).toBe(id);
  expect(message.json()).toEqual({
    specversion: '1.0',
    id,
    source: 'test',
    type: TYPE,
    subject: id,
    time: expect.stringMatching(/Z$/),
    datacontenttype: 'application/json',
    correlationid: 'test',
    data: { seats: 2 },
  });
});

test('a transaction that is rolled back publishes nothing', async () => {
  const failing = database.$transaction(async (transaction) => {
    await appendToOutbox(transaction, 'test', [testMessage(newId(), TYPE)]);
    throw new Error('rolled back');
  });
  await expect(failing).rejects.toThrow('rolled back');
  const [kept] = await append(1);
  relay();
  await vi.waitFor(async () => expect(await publishedIds()).toEqual([kept]), SOON);
});

test('the outbox keeps messages while the broker is down; they are published when it is up again', async () => {
  const proxy = await createProxy(broker.url);
  cleanUps.push(proxy.close);
  const behindProxy = createTestBroker({ url: proxy.url, prefix: broker.prefix });
  cleanUps.push(() => behindProxy.close());
  const running = relay({ broker: behindProxy });
  const before = await append(3);
  running.nudge();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);

  proxy.cut();
  await vi.waitFor(() => expect(running.isHealthy()).toBe(false), SOON);
  const during = await append(300);
  running.nudge();
  expect(await countUnpublished()).toBe(300);

  proxy.restore();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  await vi.waitFor(() => expect(running.isHealthy()).toBe(true), SOON);
  expect((await publishedIds()).toSorted()).toEqual([...before, ...during].toSorted());
});

test('several relays at the same time publish every message once', async () => {
  const sent = await append(2_000);
  const relays = [relay(), relay(), relay()];
  for (const one of relays) one.nudge();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  expect((await publishedIds()).toSorted()).toEqual(sent.toSorted());
});

test('the broker drops a message that is published again after a crash', async () => {
  const [id = ''] = await append(1);
  const { client } = await broker.jetStream();
  await client.publish(broker.subject(TYPE), `{"id":"${id}"}`, { msgID: id });
  relay();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  expect(await publishedIds()).toEqual([id]);
});

test('a message that is too large for the broker is set aside; the relay publishes the others', async () => {
  const [large = ''] = await append(1, 'x'.repeat(3 * 2 ** 20));
  const running = relay();
  await vi.waitFor(async () => expect(await refusedIds()).toEqual([large]), SOON);
  expect(running.isHealthy()).toBe(true);
  const others = await append(3);
  running.nudge();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(1), SOON);
  expect((await publishedIds()).toSorted()).toEqual(others.toSorted());
});

test('messages that the stream refuses, more than one batch, are set aside, reported, and retried later', async () => {
  const { manager } = await broker.jetStream();
  const limit = (max_msg_size: number) => manager.streams.update(broker.resourceName(stream.name), { max_msg_size });
  await limit(1_024);
  const refused = await append(600, 'x'.repeat(1_024));
  const others = await append(3);
  const { logger, metrics } = quiet();
  const reported = vi.spyOn(logger, 'error');
  const running = relay({ logger, metrics });
  await vi.waitFor(async () => expect(await publishedIds()).toEqual(others), SOON);
  // The rows of the last batch are marked only after the broker has answered.
  await vi.waitFor(async () => expect(await refusedIds()).toEqual(refused), SOON);
  expect(running.isHealthy()).toBe(true);
  expect(reported).toHaveBeenCalledTimes(600);
  expect(await metrics.metrics()).toContain('outbox_refused_total 600');

  await limit(-1);
  await database.$executeRaw(sql`UPDATE outbox SET refused_at = CURRENT_TIMESTAMP(3) - INTERVAL 61 SECOND`);
  relay();
  await vi.waitFor(async () => expect(await refusedIds()).toHaveLength(600 - 256), SOON);
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(600 - 256), SOON);
});

test('a deleted stream is created again', async () => {
  const running = relay();
  await append(1);
  running.nudge();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  const { manager } = await broker.jetStream();
  await manager.streams.delete(broker.resourceName(stream.name));
  const after = await append(1);
  running.nudge();
  await vi.waitFor(async () => expect(await publishedIds()).toEqual(after), SOON);
});

test('stop() publishes all messages that were committed before', async () => {
  const running = relay();
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  const sent = await append(5);
  await running.stop();
  expect((await publishedIds()).toSorted()).toEqual(sent.toSorted());
});

test('a full stream is retried after growing pauses, despite nudges, until there is room again', async () => {
  const { manager } = await broker.jetStream();
  const name = broker.resourceName(stream.name);
  await manager.streams.update(name, { max_bytes: 2_048 });
  const { logger, metrics } = quiet();
  let attempts = 0;
  const counting = {
    ...broker,
    requireRoom(wanted: typeof stream) {
      attempts += 1;
      return broker.requireRoom(wanted);
    },
  };
  const waiting = await append(20);
  const running = relay({ broker: counting, logger, metrics });
  await vi.waitFor(() => expect(running.isHealthy()).toBe(false), SOON);
  const before = attempts;
  const nudging = setInterval(running.nudge, 1);
  cleanUps.push(() => clearInterval(nudging));
  // The pauses are about 0.5, 1 and 2 s. Without them there would be hundreds of attempts.
  await vi.waitFor(() => expect(attempts).toBe(before + 2), { timeout: 10_000, interval: 1 });
  expect(await countUnpublished()).toBeGreaterThan(0);

  await manager.streams.update(name, { max_bytes: stream.bytesMax });
  await vi.waitFor(async () => expect(await countUnpublished()).toBe(0), SOON);
  await vi.waitFor(() => expect(running.isHealthy()).toBe(true), SOON);
  expect((await publishedIds()).toSorted()).toEqual(waiting.toSorted());
});

test('only messages that were published more than a day ago are pruned, in batches', async () => {
  await append(1_200);
  await database.$executeRaw(sql`UPDATE outbox SET published_at = CURRENT_TIMESTAMP(3) - INTERVAL 25 HOUR`);
  const [recent = '', waiting = ''] = await append(2);
  await database.$executeRaw(
    sql`UPDATE outbox SET published_at = CURRENT_TIMESTAMP(3) - INTERVAL 23 HOUR WHERE id = ${recent}`,
  );
  await database.$executeRaw(sql`UPDATE outbox SET created_at = '2020-01-01' WHERE id = ${waiting}`);
  const prune = pruneOutbox(database);
  expect([await prune(1_000), await prune(1_000), await prune(1_000)]).toEqual([1_000, 200, 0]);
  expect(await database.$queryRaw(sql`SELECT id FROM outbox ORDER BY id`)).toEqual([{ id: recent }, { id: waiting }]);
});

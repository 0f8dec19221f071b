import { sqltag as sql } from '@prisma/client/runtime/client';
import { v7 as newId } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { SqlClient } from '../database/database.ts';
import { createTestDatabase, type TestDatabase } from '../testing/database.ts';
import { connectSql, createTestBroker, quiet, testMessage } from '../testing/messaging.ts';
import { createProxy } from '../testing/proxy.ts';
import { deadLetterStream } from './broker.ts';
import { type Consumer, createConsumer } from './consumer.ts';
import { serializeMessage } from './message.ts';
import { onMessage } from './message-handlers.ts';

const stream = { name: 'THINGS', subjects: ['thing.>'], consumers: ['tester', 'impatient'], bytesMax: 64 * 2 ** 20 };
const TYPE = 'thing.happened.v1';
const SOON = { timeout: 10_000, interval: 20 };

let testDatabase: TestDatabase;
let database: ReturnType<typeof connectSql>;
let broker: ReturnType<typeof createTestBroker>;
let cleanUps: (() => unknown)[];

beforeAll(async () => {
  testDatabase = await createTestDatabase('booking');
  database = connectSql(testDatabase.url);
  await database.$executeRaw(sql`CREATE TABLE effects (message_id CHAR(36) NOT NULL)`);
});
afterAll(async () => {
  await database.pool.end();
  await testDatabase.drop();
});
beforeEach(async () => {
  broker = createTestBroker();
  cleanUps = [() => broker.close()];
  await broker.ensureStream(stream);
});
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

/** Inserts each message into the table of effects. It throws for the messages that `fail` selects. */
const noting = (fail: (id: string) => boolean = () => false) =>
  onMessage(z.unknown(), async (transaction, messages) => {
    for (const { id } of messages) {
      if (fail(id)) throw new Error(`this handler throws at ${id}`);
      await transaction.$executeRaw(sql`INSERT INTO effects (message_id) VALUES (${id})`);
    }
  });

function consume(options: Partial<Parameters<typeof createConsumer>[0]> = {}): Consumer {
  const handlers = { [TYPE]: noting() };
  const defaults = { name: 'tester', stream, handlers, database, broker, retryDelaysMs: [10, 10, 10], ...quiet() };
  const consumer = createConsumer({ ...defaults, ...options });
  cleanUps.push(() => consumer.stop());
  return consumer;
}

async function publish(body: string | Uint8Array, type = TYPE): Promise<void> {
  const { client } = await broker.jetStream();
  await client.publish(broker.subject(type), body);
}

const publishMessage = (id: string, type = TYPE) => publish(serializeMessage('test', testMessage(id, type)), type);

const ids = (count: number) => Array.from({ length: count }, () => newId());

/** Returns the number of effects of each message, ordered by id. */
async function effectsOf(messageIds: readonly string[]): Promise<number[]> {
  const rows = await database.$queryRaw<{ id: string; times: bigint }[]>(
    sql`SELECT message_id AS id, COUNT(*) AS times FROM effects GROUP BY message_id`,
  );
  const times = new Map(rows.map(({ id, times }) => [id, Number(times)]));
  return messageIds.map((id) => times.get(id) ?? 0);
}

const once = (messageIds: readonly string[]) => messageIds.map(() => 1);

async function deadLetters(): Promise<{ headers: Record<string, string>; data: Uint8Array }[]> {
  const { manager } = await broker.jetStream();
  const name = broker.resourceName(deadLetterStream.name);
  const { state } = await manager.streams.info(name);
  const stored = Array.from({ length: state.messages }, (_, index) =>
    manager.streams.getMessage(name, { seq: index + 1 }),
  );
  return (await Promise.all(stored)).map(({ header, data }) => ({
    headers: Object.fromEntries(header.keys().map((key) => [key, header.get(key)])),
    data,
  }));
}

async function durable(name = 'tester') {
  const { manager } = await broker.jetStream();
  return manager.consumers.info(broker.resourceName(stream.name), broker.resourceName(name));
}

test('a consumer acknowledges skipped messages without a handler, an effect or a dead letter', async () => {
  const consumer = consume({ skippedTypes: ['thing.broke.'] });
  await vi.waitUntil(consumer.isHealthy, SOON);
  const [skipped = '', wanted = ''] = ids(2);
  await publishMessage(skipped, 'thing.broke.v1');
  await publishMessage(wanted);
  await vi.waitFor(async () => expect(await effectsOf([skipped, wanted])).toEqual([0, 1]), SOON);
  await vi.waitFor(async () => expect((await durable()).ack_floor.stream_seq).toBe(2), SOON);
  expect(await durable()).toMatchObject({ num_pending: 0, num_redelivered: 0 });
});

test('an existing consumer with the settings of another release gets the settings of this one', async () => {
  const first = consume();
  await vi.waitUntil(first.isHealthy, SOON);
  await first.stop();
  const { manager } = await broker.jetStream();
  const { ack_wait } = (await durable()).config;
  await manager.consumers.update(broker.resourceName(stream.name), broker.resourceName('tester'), {
    ack_wait: (ack_wait ?? 0) / 2,
  });
  const second = consume();
  await vi.waitUntil(second.isHealthy, SOON);
  expect((await durable()).config.ack_wait).toBe(ack_wait);
  const [id = ''] = ids(1);
  await publishMessage(id);
  await vi.waitFor(async () => expect(await effectsOf([id])).toEqual([1]), SOON);
});

test('a message that arrives five times, in any order, has one effect', async () => {
  const sent = ids(40);
  for (const id of [...sent, ...sent.toReversed(), ...sent, ...sent.toReversed(), ...sent]) await publishMessage(id);
  consume();
  await vi.waitFor(async () => expect((await durable()).num_pending).toBe(0), SOON);
  await vi.waitFor(async () => expect((await durable()).num_ack_pending).toBe(0), SOON);
  expect(await effectsOf(sent)).toEqual(once(sent));
});

test('two replicas on one durable share the messages, and each has one effect', async () => {
  const replicas = [quiet(), quiet()];
  for (const replica of replicas) consume(replica);
  const sent = ids(300);
  await Promise.all(sent.map((id) => publishMessage(id)));
  await Promise.all(sent.map((id) => publishMessage(id)));
  await vi.waitFor(async () => expect(await effectsOf(sent)).toEqual(once(sent)), SOON);
  await vi.waitFor(async () => expect((await durable()).num_ack_pending).toBe(0), SOON);
  expect(await effectsOf(sent)).toEqual(once(sent));
  for (const { metrics } of replicas) {
    const counter = await metrics.getSingleMetric('messages_consumed_total')?.get();
    expect(counter?.values[0]?.value).toBeGreaterThan(0);
  }
});

test('messages that cannot be applied do not delay others and become dead letters with their reasons', async () => {
  const [first = '', poison = '', last = ''] = ids(3);
  const notText = Uint8Array.of(0xff, 0x00, 0xfe, 0x7b);
  await publishMessage(first);
  await publish(notText);
  await publish('{"id": "who am I"}');
  await publishMessage(newId(), 'thing.happened.v2');
  await publishMessage(poison);
  await publishMessage(last);
  consume({ handlers: { [TYPE]: noting((id) => id === poison) }, retryDelaysMs: [10, 60_000] });
  await vi.waitFor(async () => expect(await effectsOf([first, last])).toEqual([1, 1]), SOON);

  consume({ name: 'impatient', handlers: { [TYPE]: noting((id) => id === poison) }, retryDelaysMs: [10, 10] });
  await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(4), SOON);
  const letters = new Map((await deadLetters()).map((letter) => [letter.headers['Ebs-Reason'], letter]));
  const expected = { 'Ebs-Consumer': 'impatient', 'Ebs-Subject': TYPE, 'Ebs-Deliveries': '3' };
  expect(letters.get('the body is not JSON')?.headers).toMatchObject(expected);
  expect(letters.get('the body is not JSON')?.data).toEqual(notText);
  expect(letters.get(`this handler throws at ${poison}`)?.headers).toMatchObject(expected);
  expect(letters.get('no handler for thing.happened.v2')?.headers['Ebs-Subject']).toBe('thing.happened.v2');
  expect([...letters.keys()].filter((reason) => reason?.includes('specversion'))).toHaveLength(1);
  expect(await effectsOf([poison])).toEqual([0]);
  await vi.waitFor(async () => expect((await durable('impatient')).num_ack_pending).toBe(0), SOON);
});

test('hundreds of messages that wait for a retry do not delay other messages', { timeout: 60_000 }, async () => {
  const poison = new Set(ids(600));
  const [good = ''] = ids(1);
  await Promise.all([...poison].map((id) => publishMessage(id)));
  const tried = new Set<string>();
  const handler = noting((id) => {
    tried.add(id);
    return poison.has(id);
  });
  consume({ handlers: { [TYPE]: handler }, retryDelaysMs: [120_000] });
  // On a busy database, the first failures of all of them take some time.
  await vi.waitFor(() => expect(tried.size).toBe(poison.size), { timeout: 40_000 });
  await publishMessage(good);
  await vi.waitFor(async () => expect(await effectsOf([good])).toEqual([1]), SOON);
  await vi.waitFor(async () => expect((await durable()).num_ack_pending).toBe(poison.size), SOON);
});

test('a bad message of the largest size that the broker accepts becomes a dead letter with its end cut off', async () => {
  const { client } = await broker.jetStream();
  const body = Buffer.alloc(2 * 2 ** 20 - 100, 'x');
  await client.publish(broker.subject(TYPE), body);
  consume({ retryDelaysMs: [] });
  await vi.waitFor(async () => expect(await deadLetters()).toHaveLength(1), SOON);
  const [letter] = await deadLetters();
  expect(letter?.headers['Ebs-Reason']).toBe('the body is not JSON');
  expect(letter?.data.length).toBe(body.length - 8_192);
});

test('while the database is down, messages wait without counting a failure, and all are applied afterwards', async () => {
  let away = true;
  let refused = 0;
  const flaky: SqlClient = {
    ...database,
    async $transaction(run) {
      if (!away) return database.$transaction(run);
      refused += 1;
      throw Object.assign(new Error('cannot reach the database'), { code: 'P1001' });
    },
  };
  const sent = ids(5);
  for (const id of sent) await publishMessage(id);
  const consumer = consume({ database: flaky, retryDelaysMs: [] });
  await vi.waitFor(() => expect(refused).toBeGreaterThan(4), SOON);
  expect(consumer.isHealthy()).toBe(false);
  expect((await durable()).num_redelivered).toBe(0);

  away = false;
  await vi.waitFor(async () => expect(await effectsOf(sent)).toEqual(once(sent)), SOON);
  await vi.waitFor(() => expect(consumer.isHealthy()).toBe(true), SOON);
});

test('a consumer sets up its durable or its stream again when one of them is deleted', async () => {
  const consumer = consume();
  const [before = '', between = '', after = ''] = ids(3);
  await publishMessage(before);
  await vi.waitFor(async () => expect(await effectsOf([before])).toEqual([1]), SOON);

  const { manager } = await broker.jetStream();
  await manager.consumers.delete(broker.resourceName(stream.name), broker.resourceName('tester'));
  await publishMessage(between);
  await vi.waitFor(async () => expect(await effectsOf([before, between])).toEqual([1, 1]), SOON);

  await manager.streams.delete(broker.resourceName(stream.name));
  await vi.waitFor(() => publishMessage(after), SOON);
  await vi.waitFor(async () => expect(await effectsOf([before, between, after])).toEqual([1, 1, 1]), SOON);
  await vi.waitFor(() => expect(consumer.isHealthy()).toBe(true), SOON);
});

test('a consumer that loses the broker is unhealthy, and continues when the broker is back', async () => {
  const proxy = await createProxy(broker.url);
  cleanUps.push(proxy.close);
  const behindProxy = createTestBroker({ url: proxy.url, prefix: broker.prefix });
  cleanUps.push(() => behindProxy.close());
  const observed = quiet();
  const consumer = consume({ broker: behindProxy, ...observed });
  const up = async () => (await observed.metrics.getSingleMetric('consumer_up')?.get())?.values[0]?.value;
  await vi.waitFor(() => expect(consumer.isHealthy()).toBe(true), SOON);
  await vi.waitFor(async () => expect(await up()).toBe(1), SOON);

  proxy.cut();
  await vi.waitFor(() => expect(consumer.isHealthy()).toBe(false), SOON);
  await vi.waitFor(async () => expect(await up()).toBe(0), SOON);
  const sent = ids(3);
  for (const id of sent) await publishMessage(id);
  proxy.restore();
  await vi.waitFor(async () => expect(await effectsOf(sent)).toEqual(once(sent)), SOON);
  expect(consumer.isHealthy()).toBe(true);
});

test('a consumer that never reached its broker can be stopped', async () => {
  const proxy = await createProxy(broker.url);
  cleanUps.push(proxy.close);
  proxy.cut();
  const unreachable = createTestBroker({ url: proxy.url });
  const consumer = consume({ broker: unreachable });
  expect(consumer.isHealthy()).toBe(false);
  await consumer.stop();
  proxy.restore();
  await unreachable.jetStream();
  await unreachable.close();
});

test('stopping applies and acknowledges the received messages, and pulls no more', async () => {
  const sent = ids(250);
  for (const id of sent) await publishMessage(id);
  const { promise: gate, resolve: openGate } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
  const gated: SqlClient = {
    ...database,
    async $transaction(run) {
      begin();
      await gate;
      return database.$transaction(run);
    },
  };
  const consumer = consume({ database: gated });
  await begun;
  await vi.waitFor(async () => expect((await durable()).num_ack_pending).toBe(250), SOON);
  const stopped = consumer.stop();
  openGate();
  await stopped;
  expect(await effectsOf(sent)).toEqual(once(sent));
  await vi.waitFor(async () => expect(await durable()).toMatchObject({ num_ack_pending: 0, num_waiting: 0 }), SOON);
});

test('onCommitted is called after the commit', async () => {
  const sent = newId();
  const { promise: seen, resolve } = Promise.withResolvers<number[]>();
  consume({ onCommitted: () => void effectsOf([sent]).then(resolve) });
  await publishMessage(sent);
  expect(await seen).toEqual([1]);
});

import { AckPolicy, DiscardPolicy, nanos } from 'nats';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Bounds, createBounds } from '../process/bounds.ts';
import { createTestBroker, quiet } from '../testing/messaging.ts';
import type { StreamDefinition } from './broker.ts';
import { createStreamKeeper } from './stream-keeper.ts';

const KILOBYTE = 1_024;
const SOON = { timeout: 10_000, interval: 20 };
const FULL = { api_error: { description: 'maximum bytes exceeded' } };
const DAY_MS = 86_400_000;
const thingStream: StreamDefinition = {
  name: 'THINGS',
  subjects: ['thing.>'],
  consumers: ['first', 'second'],
  bytesMax: 100 * KILOBYTE,
};

let broker: ReturnType<typeof createTestBroker>;
let bounds: Bounds;
let cleanUps: (() => unknown)[];
beforeEach(() => {
  broker = createTestBroker();
  cleanUps = [() => broker.close()];
  bounds = createBounds({ logger: quiet().logger, metrics: new Registry() });
});
afterEach(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
});

const name = () => broker.resourceName(thingStream.name);
const managerOf = async () => (await broker.jetStream()).manager;
const info = async () => (await managerOf()).streams.info(name());

function keep(options: Partial<Parameters<typeof createStreamKeeper>[0]> = {}) {
  const { logger, metrics } = quiet();
  const observers = { bounds, logger, metrics };
  const keeper = createStreamKeeper({ broker, stream: thingStream, ...observers, keepEveryMs: 20, ...options });
  cleanUps.push(() => keeper.stop());
  return { keeper, logger, metrics };
}

/** Publishes messages of about a kilobyte each. @throws when the stream refuses one */
async function publish(count: number): Promise<void> {
  const { client } = await broker.jetStream();
  for (let index = 0; index < count; index += 1) {
    await client.publish(broker.subject('thing.happened.v1'), new Uint8Array(KILOBYTE - 100));
  }
}

async function addConsumers(...consumers: string[]): Promise<void> {
  const manager = await managerOf();
  for (const consumer of consumers) {
    const config = { durable_name: broker.resourceName(consumer), ack_policy: AckPolicy.Explicit };
    await manager.consumers.add(name(), config);
  }
}

/** Acknowledges this number of further messages. */
async function acknowledge(consumer: string, count: number): Promise<void> {
  const { client, manager } = await broker.jetStream();
  const before = (await manager.consumers.info(name(), broker.resourceName(consumer))).ack_floor.stream_seq;
  const pulled = await client.consumers.get(name(), broker.resourceName(consumer));
  for await (const message of await pulled.fetch({ max_messages: count, expires: 2_000 })) message.ack();
  await vi.waitFor(async () => {
    const { ack_floor } = await manager.consumers.info(name(), broker.resourceName(consumer));
    expect(ack_floor.stream_seq).toBe(before + count);
  }, SOON);
}

test('a stream that is nearly full refuses publishers before the server would delete a message', async () => {
  await broker.ensureStream(thingStream);
  await publish(80);
  await broker.requireRoom(thingStream);
  await publish(15);
  await expect(broker.requireRoom(thingStream)).rejects.toThrow(/is full: \d+ of 102400 bytes/);
  expect((await info()).state).toMatchObject({ first_seq: 1, messages: 95 });
});

test('the metrics show the size of the stream and its limit', async () => {
  const { metrics } = keep();
  await vi.waitFor(async () => expect((await info()).config.max_bytes).toBe(thingStream.bytesMax), SOON);
  await publish(3);
  const { bytes } = (await info()).state;
  await vi.waitFor(async () => {
    expect((await metrics.metrics()).split('\n')).toEqual(
      expect.arrayContaining([
        'stream_messages{stream="THINGS"} 3',
        `stream_bytes{stream="THINGS"} ${bytes}`,
        `stream_limit_bytes{stream="THINGS"} ${thingStream.bytesMax}`,
      ]),
    );
  }, SOON);
});

test('only messages that every consumer has acknowledged are deleted to make room, the oldest first', async () => {
  await broker.ensureStream(thingStream);
  await addConsumers('first', 'second');
  await publish(90);
  await acknowledge('first', 80);
  keep();
  await vi.waitFor(() => expect(bounds.warning()).toMatch(/^stream THINGS: 8\d %$/), SOON);
  expect((await info()).state.first_seq).toBe(1);

  await acknowledge('second', 30);
  await vi.waitFor(async () => expect((await info()).state.first_seq).toBe(31), SOON);
  await acknowledge('second', 30);
  // The stream is trimmed to half of its bytes, although ten more messages are acknowledged.
  await vi.waitFor(async () => expect((await info()).state.bytes).toBeLessThan(60 * KILOBYTE), SOON);
  await vi.waitFor(() => expect(bounds.warning()).toBeUndefined(), SOON);
  expect((await info()).state.first_seq).toBeLessThanOrEqual(61);
  await publish(30);
});

test('no message is deleted while one of the consumers does not exist yet', async () => {
  await broker.ensureStream(thingStream);
  await addConsumers('first');
  await publish(90);
  await acknowledge('first', 90);
  keep();
  await vi.waitFor(() => expect(bounds.warning()).toMatch(/^stream THINGS/), SOON);
  expect((await info()).state.first_seq).toBe(1);
  await addConsumers('second');
  await acknowledge('second', 90);
  await vi.waitFor(async () => expect((await info()).state.first_seq).toBeGreaterThan(30), SOON);
});

test('old messages are deleted if they are acknowledged, and kept at any age if they are not', async () => {
  await broker.ensureStream(thingStream);
  await addConsumers('first', 'second');
  await publish(10);
  const olderMs = 200;
  await vi.waitFor(async () => {
    const { state } = await info();
    expect(Date.now() - Date.parse(String(state.last_ts))).toBeGreaterThan(olderMs);
  }, SOON);
  await publish(5);
  await acknowledge('first', 15);
  await acknowledge('second', 4);
  // The test moves the clock, so that all messages are older than keepMs.
  const now = vi.spyOn(Date, 'now');
  const [first] = [Date.parse(String((await info()).state.last_ts))];
  now.mockImplementation(() => first + 2 * 3_600_000);
  try {
    keep({ keepMs: 2 * 3_600_000 - 3_600_000 });
    await vi.waitFor(async () => expect((await info()).state.first_seq).toBe(5), SOON);
    now.mockRestore();
  } finally {
    now.mockRestore();
  }
});

test('an existing stream gets the new settings, and a lower size limit takes effect once its messages fit', async () => {
  const manager = await managerOf();
  await manager.streams.add({
    ...broker.streamConfig(thingStream),
    max_bytes: -1,
    max_age: nanos(7 * DAY_MS),
    discard: DiscardPolicy.Old,
  });
  await addConsumers('first', 'second');
  await publish(150);
  keep();
  await vi.waitFor(async () => {
    const { config, state } = await info();
    expect(config).toMatchObject({ discard: 'new', max_age: 0, max_msg_size: 2 * 2 ** 20, max_bytes: state.bytes });
    expect(state.messages).toBe(150);
  }, SOON);
  await expect(publish(1)).rejects.toMatchObject(FULL);

  for (const consumer of thingStream.consumers) await acknowledge(consumer, 150);
  await vi.waitFor(async () => expect((await info()).config.max_bytes).toBe(thingStream.bytesMax), SOON);
  expect((await info()).state.messages).toBeGreaterThan(0);
});

test('subjects of a new release are added, also after a replica of the release before has removed them', async () => {
  await broker.ensureStream(thingStream);
  keep({ stream: { ...thingStream, subjects: ['thing.>', 'part.>'] } });
  const subjects = async () => (await info()).config.subjects;
  const wanted = ['thing.>', 'part.>'].map(broker.subject);
  await vi.waitFor(async () => expect(await subjects()).toEqual(wanted), SOON);
  await (await managerOf()).streams.update(name(), broker.streamConfig(thingStream));
  await vi.waitFor(async () => expect(await subjects()).toEqual(wanted), SOON);
});

test('a broker with too little disk space is reported, for a new stream and for an existing one', async () => {
  const huge = { ...thingStream, bytesMax: 2 ** 50 };
  await expect(broker.ensureStream(huge)).rejects.toThrow(/less disk than the stream .* may take/);

  await broker.ensureStream(thingStream);
  const { logger } = quiet();
  const error = vi.spyOn(logger, 'error');
  const { keeper } = keep({ stream: huge, logger });
  await vi.waitFor(() => expect(keeper.isHealthy()).toBe(false), SOON);
  expect(error).toHaveBeenCalledWith(
    expect.objectContaining({ err: expect.objectContaining({ message: expect.stringContaining('less disk') }) }),
    'the stream could not be maintained; it will be retried',
  );
  // The stream stays in use with its old settings.
  expect((await info()).config.max_bytes).toBe(thingStream.bytesMax);
  await publish(1);
});

import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { readGatewayConfig } from '../config.ts';
import { requiredEnv } from '../testing/credentials.ts';
import { type Protocol, protocolOf } from './protocols.ts';
import { createFrame, createStream, type EndReason } from './stream.ts';

const settings = readGatewayConfig({ ...requiredEnv });
const sse = protocolOf('text/event-stream') as Protocol;
const never = Number.POSITIVE_INFINITY;
const expired = () => ({ message: 'expired' });
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Opens a stream on a real connection. */
async function open({ protocol = sse, expiresAtMs = never, ...changed }: Opened = {}) {
  const answered = Promise.withResolvers<ServerResponse>();
  const server = createServer((_request, response) => answered.resolve(response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client: Socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const raw = await answered.promise;
  raw.writeHead(200);
  const ended: EndReason[] = [];
  closing.push(() => {
    client.destroy();
    server.close();
  });
  const stream = createStream({
    raw,
    protocol,
    settings: { ...settings, ...changed },
    expiresAtMs,
    onEnd: (reason) => ended.push(reason),
  });
  let text = '';
  return {
    stream,
    client,
    raw,
    ended,
    read: () => {
      client.on('data', (chunk) => {
        text += chunk;
      });
      return () => text;
    },
  };
}
type Opened = { protocol?: Protocol; expiresAtMs?: number } & Partial<typeof settings>;

describe('a stream', () => {
  it('sends a heartbeat only when it was silent', async () => {
    const { stream, read } = await open();
    const text = read();
    const dueAtMs = stream.check(Date.now() + settings.LIVE_HEARTBEAT_MS - 100, expired);
    expect(dueAtMs - Date.now()).toBeLessThanOrEqual(settings.LIVE_HEARTBEAT_MS);
    stream.send(createFrame('{"data":1}'));
    stream.check(Date.now() + settings.LIVE_HEARTBEAT_MS, expired);
    await expect.poll(text).toMatch(/:\n\n.*event: next\ndata: {"data":1}\n\n.*:\n\n/s);
  });

  it.each<[string, Opened, EndReason]>([
    ['is too old', { LIVE_AGE_SECONDS_MAX: 600, LIVE_IDLE_SECONDS_MAX: 900 }, 'age'],
    ['had no news for too long', { LIVE_AGE_SECONDS_MAX: 900, LIVE_IDLE_SECONDS_MAX: 600 }, 'idle'],
  ])('ends completely when it %s', async (_why, changed, reason) => {
    const { stream, read, ended } = await open(changed);
    const text = read();
    stream.check(Date.now() + 599_000, expired);
    expect(ended).toEqual([]);
    stream.check(Date.now() + 600_000, expired);
    await expect.poll(text).toContain('event: complete');
    expect(ended).toEqual([reason]);
  });

  it('ends with an error when the token expires', async () => {
    const expiresAtMs = Date.now() + 60_000;
    const { stream, read, ended } = await open({ expiresAtMs, LIVE_HEARTBEAT_MS: 3_600_000 });
    const text = read();
    expect(stream.check(expiresAtMs - 1, expired)).toBe(expiresAtMs);
    expect(ended).toEqual([]);
    stream.check(expiresAtMs, expired);
    await expect.poll(text).toContain('data: {"errors":[{"message":"expired"}]}\n\nevent: complete\ndata:\n\n');
    expect(ended).toEqual(['token_expired']);
  });

  it('is cut when the client does not read, and never holds more than the bound', async () => {
    const { stream, client, raw, ended } = await open({ LIVE_BUFFER_BYTES_MAX: 20_000 });
    client.pause();
    const frame = createFrame(`"${'x'.repeat(1_000)}"`);
    let held = 0;
    for (let update = 0; update < 200_000 && ended.length === 0; update += 1) {
      stream.send(frame);
      held = Math.max(held, raw.writableLength);
      if (update % 100 === 0) await new Promise(setImmediate);
    }
    expect(ended).toEqual(['slow']);
    expect(held).toBeLessThanOrEqual(21_000);
    await expect.poll(() => raw.destroyed).toBe(true);
  });

  it('reports once that the client is gone', async () => {
    const { stream, client, ended } = await open();
    client.destroy();
    await expect.poll(() => ended).toEqual(['client']);
    stream.send(createFrame('{}'));
    stream.end('age');
    expect(ended).toEqual(['client']);
  });
});

describe('the protocol', () => {
  it.each([
    ['text/event-stream', 'sse'],
    ['multipart/mixed;boundary="graphql";subscriptionSpec="1.0", application/json', 'multipart'],
    ['multipart/mixed; subscriptionSpec=1.0,application/json', 'multipart'],
    ['application/graphql-response+json, application/json, text/event-stream, multipart/mixed', 'sse'],
    ['multipart/mixed', undefined],
    ['*/*', undefined],
    [undefined, undefined],
  ])('of Accept: %s is %s', (accept, name) => expect(protocolOf(accept)?.name).toBe(name));

  it('multipart ends with the last boundary, and an error of the stream is beside the payload', () => {
    const { end } = protocolOf('multipart/mixed;subscriptionSpec=1.0') as Protocol;
    expect(end()).toBe('--\r\n');
    expect(end({ message: 'm' })).toContain('{"payload":null,"errors":[{"message":"m"}]}\r\n--graphql--\r\n');
  });
});

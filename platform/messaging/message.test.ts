import { expect, test } from 'vitest';
import { parseMessage, serializeMessage } from './message.ts';

const message = {
  id: '0193f0a0-0000-7000-8000-000000000001',
  type: 'thing.happened.v1',
  subject: 'thing-1',
  time: new Date('2026-11-22T09:30:00.123Z'),
  correlationId: 'request-1',
  data: { name: 'Zoë 🎫' },
};
const bytes = (text: string) => new TextEncoder().encode(text);

test('a message is the same after serialization and parsing', () => {
  expect(parseMessage(bytes(serializeMessage('test', message)))).toEqual(message);
});

test('additional fields in the envelope are ignored', () => {
  const body = JSON.stringify({ ...JSON.parse(serializeMessage('test', message)), partitionkey: '1' });
  expect(parseMessage(bytes(body))).toEqual(message);
});

test('a body that is not JSON is refused, and the error does not contain the body', () => {
  for (const body of [bytes('{"email":"ada@example.com" oops'), Uint8Array.of(0xff, 0xfe), bytes('')]) {
    expect(() => parseMessage(body)).toThrow(/^the body is not JSON$/);
  }
});

test('JSON without a valid envelope is refused, and the error names the wrong field', () => {
  const { specversion: _, ...without } = JSON.parse(serializeMessage('test', message));
  expect(() => parseMessage(bytes(JSON.stringify(without)))).toThrow(/specversion/);
  expect(() => parseMessage(bytes(JSON.stringify({ ...without, specversion: '2.0' })))).toThrow(/specversion/);
  expect(() => parseMessage(bytes('[1]'))).toThrow();
  expect(() => parseMessage(bytes('null'))).toThrow();
});

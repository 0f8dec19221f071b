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

test('a message comes out of its envelope as it went in', () => {
  expect(parseMessage(bytes(serializeMessage('test', message)))).toEqual(message);
});

test('what other systems add to the envelope is ignored', () => {
  const body = JSON.stringify({ ...JSON.parse(serializeMessage('test', message)), traceparent: '00-1' });
  expect(parseMessage(bytes(body))).toEqual(message);
});

test('a body that is not JSON is refused without quoting it', () => {
  for (const body of [bytes('{"email":"ada@example.com" oops'), Uint8Array.of(0xff, 0xfe), bytes('')]) {
    expect(() => parseMessage(body)).toThrow(/^the body is not JSON$/);
  }
});

test('JSON that is not a message in its envelope is refused by the name of what is wrong', () => {
  const { specversion: _, ...without } = JSON.parse(serializeMessage('test', message));
  expect(() => parseMessage(bytes(JSON.stringify(without)))).toThrow(/specversion/);
  expect(() => parseMessage(bytes(JSON.stringify({ ...without, specversion: '2.0' })))).toThrow(/specversion/);
  expect(() => parseMessage(bytes('[1]'))).toThrow();
  expect(() => parseMessage(bytes('null'))).toThrow();
});

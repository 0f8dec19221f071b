import { expect, it } from 'vitest';
import { readGatewayConfig } from '../config.ts';
import { requiredEnv } from '../testing/credentials.ts';
import { createStreamLimits } from './stream-limits.ts';

const MAXIMA = { LIVE_STREAMS_MAX: '4', LIVE_STREAMS_ADDRESS_MAX: '3', LIVE_STREAMS_USER_MAX: '2' };

const create = () => createStreamLimits(readGatewayConfig({ ...requiredEnv, ...MAXIMA }));
const refusal = (code: string) => expect.objectContaining({ extensions: expect.objectContaining({ code }) });

it('a user may hold few streams, also over several addresses, and a closed one makes room', () => {
  const { take } = create();
  const giveBack = take('1.1.1.1', 'ada');
  take('2.2.2.2', 'ada');
  expect(() => take('3.3.3.3', 'ada')).toThrow(refusal('RATE_LIMITED'));
  take('3.3.3.3', 'bob');
  giveBack();
  take('3.3.3.3', 'ada');
});

it('an address may hold few streams, of all its users together', () => {
  const { take } = create();
  for (const userId of ['ada', 'bob', undefined]) take('1.1.1.1', userId);
  expect(() => take('1.1.1.1', 'cleo')).toThrow(refusal('RATE_LIMITED'));
  take('2.2.2.2', 'cleo');
});

it('a full process refuses further streams as unavailable, so that clients try another replica', () => {
  const { take } = create();
  for (const address of ['1', '2', '3', '4']) take(address, undefined);
  expect(() => take('5', undefined)).toThrow(refusal('SERVICE_UNAVAILABLE'));
});

it('a refused stream takes no place', () => {
  const { take } = create();
  const places = [take('1.1.1.1', 'ada'), take('1.1.1.1', 'ada')];
  for (let attempt = 0; attempt < 5; attempt += 1) expect(() => take('1.1.1.1', 'ada')).toThrow();
  take('1.1.1.1', 'bob');
  for (const giveBack of places) giveBack();
  for (const userId of ['ada', 'bob']) take('1.1.1.1', userId);
});

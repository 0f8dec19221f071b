import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, it, test, vi } from 'vitest';
import { unauthenticated } from '../errors/errors.ts';
import type { Authenticate } from '../identity/identity.ts';
import type { DebugSources } from '../process/debug.ts';
import { serveDebugEndpoints } from './debug-endpoints.ts';
import { createHttpServer } from './http-server.ts';

const authenticate: Authenticate = async (authorization) => {
  if (authorization === undefined) return null;
  if (authorization !== 'admin' && authorization !== 'user') throw unauthenticated();
  return { userId: authorization, role: authorization === 'admin' ? 'ADMIN' : 'USER' };
};

function serve(sources: DebugSources) {
  const http = createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: new Registry(),
    lifecycle: { stopping: false, onStop: () => undefined },
    required: {},
    bodyLimitBytes: 1_024,
  });
  serveDebugEndpoints(http, { authenticate, sources });
  return async (part: string, authorization?: string) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await http.inject({ url: `/debug/${part}`, headers });
    return { status: response.statusCode, body: response.json() };
  };
}

const working = { known: () => ({ pool: 1 }), ask: async () => ({ server: 2 }) };

it.each([
  ['nobody', undefined, 401, 'UNAUTHENTICATED'],
  ['a bad token', 'forged', 401, 'UNAUTHENTICATED'],
  ['a user', 'user', 403, 'FORBIDDEN'],
])('refuses %s, also for a dependency that the process does not use', async (_who, authorization, status, code) => {
  const ask = vi.fn(working.ask);
  const get = serve({ db: { ...working, ask } });
  for (const part of ['db', 'redis', 'nats']) {
    const answer = await get(part, authorization);
    expect(answer).toMatchObject({ status, body: { errors: [{ extensions: { code } }] } });
  }
  expect(ask).not.toHaveBeenCalled();
});

test('An admin sees the state of a dependency, and 404 for one that the process does not use', async () => {
  const get = serve({ db: working });
  expect(await get('db', 'admin')).toEqual({ status: 200, body: { pool: 1, server: 2 } });
  expect(await get('nats', 'admin')).toEqual({ status: 404, body: { error: 'This process does not use nats.' } });
});

test('A dependency that never answers ends in 503 after 2 s, with what the process knows', async () => {
  const ask = vi.fn(() => new Promise<object>(() => undefined));
  const get = serve({ redis: { ...working, ask } });
  const startedAtMs = performance.now();
  const answers = await Promise.all([get('redis', 'admin'), get('redis', 'admin')]);
  expect(performance.now() - startedAtMs).toBeLessThan(3_000);
  const expected = { status: 503, body: { error: 'no answer within 2000 ms', pool: 1 } };
  expect(answers).toEqual([expected, expected]);
  expect(ask).toHaveBeenCalledOnce();
});

test('The reason of a failure has the code of an error, but not its text', async () => {
  const failure = Object.assign(new Error('Access denied for ada@10.0.0.7'), { code: 'ER_ACCESS_DENIED_ERROR' });
  const get = serve({ db: { ...working, ask: () => Promise.reject(failure) } });
  expect(await get('db', 'admin')).toEqual({ status: 503, body: { error: 'ER_ACCESS_DENIED_ERROR', pool: 1 } });
});

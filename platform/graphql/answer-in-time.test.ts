import fastify, { type FastifyReply } from 'fastify';
import { request } from 'undici';
import { afterEach, expect, test, vi } from 'vitest';
import {
  currentDeadlineMs,
  DeadlineError,
  readTimeLeftMs,
  TIME_LEFT_HEADER,
  TIME_LEFT_MS_MAX,
  timeLeftMs,
} from '../clients/deadline.ts';
import { clientSignal } from '../http/client-signal.ts';
import { answerInTime } from './answer-in-time.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

async function serve(handle: (reply: FastifyReply) => Promise<string>) {
  const http = fastify();
  http.post('/graphql', async (request, reply) => {
    const answer = answerInTime(async () => ({ status: 200, headers: {}, text: await handle(reply) }));
    const { headers, text } = await answer({
      http: request,
      authorization: undefined,
      requestId: 'r-1',
      clientAddress: '127.0.0.1',
      timeLeftMs: readTimeLeftMs(request.headers[TIME_LEFT_HEADER]),
      callerSignal: clientSignal(reply),
    });
    return reply.headers(headers).send(text);
  });
  const url = await http.listen({ host: '127.0.0.1', port: 0 });
  stops.push(() => http.close());
  return (query: string, { leftMs, signal }: { leftMs?: string; signal?: AbortSignal } = {}) =>
    request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(leftMs && { [TIME_LEFT_HEADER]: leftMs }) },
      body: JSON.stringify({ query }),
      signal: signal ?? null,
    });
}

/** Whether the current work may continue, according to its deadline. */
const stateOfWork = () => {
  try {
    timeLeftMs();
    return 'continues';
  } catch (error) {
    return error instanceof DeadlineError ? 'ends' : String(error);
  }
};

test('A request that takes longer than its time limit is answered in time, and its work ends', async () => {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const states: string[] = [];
  const ask = await serve(async () => {
    states.push(stateOfWork());
    await over;
    states.push(stateOfWork());
    return '{}';
  });
  const { body, headers } = await ask('{ a }', { leftMs: '100' });
  expect(headers['content-type']).toContain('application/json');
  expect(await body.json()).toMatchObject({ errors: [{ extensions: { code: 'SERVICE_UNAVAILABLE', retryAfter: 1 } }] });
  resolve();
  await vi.waitFor(() => expect(states).toEqual(['continues', 'ends']));
});

test.each([
  ['{ a }', 'ends'],
  ['mutation { a }', 'continues'],
])('When the caller of %s disconnects, the work %s', async (query, expected) => {
  const { promise: gone, resolve: goes } = Promise.withResolvers<void>();
  const { promise: told, resolve: tell } = Promise.withResolvers<string>();
  const caller = new AbortController();
  const ask = await serve(async (reply) => {
    reply.raw.on('close', goes);
    caller.abort();
    await gone;
    await new Promise(setImmediate);
    tell(stateOfWork());
    return '{}';
  });
  await expect(ask(query, { signal: caller.signal })).rejects.toThrow('aborted');
  expect(await told).toBe(expected);
});

test.each(['999999999', '-1', 'soon', ''])('The header %j grants at most the maximum time', async (leftMs) => {
  const ask = await serve(async () => String(currentDeadlineMs() - performance.now()));
  const { body } = await ask('{ a }', { leftMs });
  const granted = Number(await body.text());
  expect(granted).toBeGreaterThan(TIME_LEFT_MS_MAX - 5_000);
  expect(granted).toBeLessThanOrEqual(TIME_LEFT_MS_MAX);
});

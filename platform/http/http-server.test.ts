import { Readable } from 'node:stream';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createLogLines } from '#tests/support/log-lines.ts';
import { createHttpServer } from './http-server.ts';

test('After the signal to stop, the server answers, is not ready, and asks clients to close connections', async () => {
  const lifecycle = { stopping: false, onStop: () => undefined };
  const server = createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: new Registry(),
    lifecycle,
    required: {},
    bodyLimitBytes: 1_024,
  });
  server.get('/work', async () => ({}));
  const ask = async (url: string) => {
    const { statusCode, headers } = await server.inject({ url });
    return { statusCode, connection: headers.connection };
  };

  for (const url of ['/health', '/serving', '/ready', '/work']) {
    expect(await ask(url)).toEqual({ statusCode: 200, connection: 'keep-alive' });
  }
  lifecycle.stopping = true;
  for (const url of ['/health', '/work']) expect(await ask(url)).toEqual({ statusCode: 200, connection: 'close' });
  for (const url of ['/serving', '/ready']) expect(await ask(url)).toEqual({ statusCode: 503, connection: 'close' });
});

test('A caller that disconnects before the answer begins is no error of the server', async () => {
  const { logger, lines } = createLogLines();
  const server = createHttpServer({
    logger,
    metrics: new Registry(),
    lifecycle: { stopping: false, onStop: () => undefined },
    required: {},
    bodyLimitBytes: 1_024,
  });
  const asked = Promise.withResolvers<void>();
  server.post('/answer', async (request) => {
    const answer = new Readable({ read: () => undefined });
    request.raw.socket.once('close', () => answer.destroy());
    asked.resolve();
    return answer;
  });
  const url = await server.listen({ port: 0, host: '127.0.0.1' });
  const headers = { 'content-type': 'application/json' };
  const cut = new AbortController();
  const asking = fetch(`${url}/answer`, { method: 'POST', body: '{}', headers, signal: cut.signal });
  await asked.promise;
  cut.abort();
  await expect(asking).rejects.toThrow('aborted');
  await expect.poll(() => lines.find(({ msg }) => msg === 'request failed')).toMatchObject({ level: 'info' });
  await server.close();
});

import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
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

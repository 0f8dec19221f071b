import { createServer } from 'node:http';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, test, vi } from 'vitest';
import { createCallMetrics } from './call-metrics.ts';
import { createGraphQLClient } from './graphql-client.ts';

const SOON = { timeout: 4_000, interval: 20 };

test('Calls are counted by outcome, and an open breaker is logged once', async () => {
  const metrics = new Registry();
  const logger = pino({ level: 'silent' });
  const logged = { warn: vi.spyOn(logger, 'warn'), info: vi.spyOn(logger, 'info') };
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(answer));
  });
  let answer = '{"data":{}}';
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server.listen(port, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
  const port = await listen(0);
  const url = `http://127.0.0.1:${port}/graphql`;
  const callMetrics = createCallMetrics({ server: 'event', metrics, logger });
  const client = createGraphQLClient({ url, secret: 'of no importance', callMetrics });
  const ask = (deadlineMs = Infinity) =>
    client.request({ query: '{a}', headers: {}, timeoutMs: 1_000, deadlineMs }).catch(() => undefined);
  const counted = async (outcome: string) =>
    Number(
      (await metrics.metrics()).match(
        new RegExp(`graphql_call_duration_seconds_count\\{server="event",outcome="${outcome}"\\} (\\d+)`),
      )?.[1] ?? 0,
    );
  const isOpen = async () => (await metrics.metrics()).includes('graphql_breaker_open{server="event"} 1');
  try {
    await ask();
    answer = '{"errors":[{"message":"no"}]}';
    await ask();
    await ask(performance.now() - 1);
    expect([await counted('data'), await counted('errors'), await counted('abandoned')]).toEqual([1, 1, 1]);
    expect(await isOpen()).toBe(false);

    server.close().closeAllConnections();
    await vi.waitFor(async () => {
      await ask();
      expect(await isOpen()).toBe(true);
    }, SOON);
    for (let time = 0; time < 5; time += 1) await ask();
    expect(await counted('unanswered')).toBeGreaterThanOrEqual(10);
    expect(await counted('refused')).toBeGreaterThanOrEqual(5);
    expect(logged.warn).toHaveBeenCalledOnce();

    await listen(port);
    await vi.waitFor(async () => expect(await isOpen()).toBe(false), SOON);
    expect(logged.info).toHaveBeenCalledOnce();
  } finally {
    await client.close();
    server.close().closeAllConnections();
  }
});

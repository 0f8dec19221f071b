import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';

const SCRIPT = join(import.meta.dirname, 'healthcheck.sh');

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function listen(answer: RequestListener): Promise<number> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function check(port: number, ...args: string[]): Promise<number> {
  const env = { PATH: process.env.PATH, PORT: String(port) };
  const [code] = await once(spawn('bash', [SCRIPT, ...args], { env }), 'exit');
  return code;
}

test('a container is healthy when its service answers 200 on /health or on the given path', async () => {
  const port = await listen(({ url }, response) => response.writeHead(url === '/ready' ? 503 : 200).end('{}'));
  expect(await check(port)).toBe(0);
  expect(await check(port, '/ready')).toBe(1);
});

test('a container is not healthy when no service listens on the port', async () => {
  const port = await listen(() => undefined);
  server?.close();
  expect(await check(port)).toBe(1);
});

test('a container is not healthy when its service hangs, and the check reports it within 5 s', async () => {
  expect(await check(await listen(() => undefined))).toBe(1);
});

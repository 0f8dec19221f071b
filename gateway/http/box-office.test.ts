import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttpServer } from '#platform/http/http-server.ts';
import { createMetrics } from '#platform/process/metrics.ts';
import { perSubgraph } from '#services';
import { readGatewayConfig } from '../config.ts';
import { requiredEnv } from '../testing/credentials.ts';
import { serveBoxOffice } from './box-office.ts';
import { addSecurityHeaders } from './security-headers.ts';

const NAVIGATION = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
const ADDRESSES = {
  REDIS_URL: 'redis://redis',
  NATS_URL: 'nats://nats',
  ...perSubgraph('URL', (name) => `http://${name}`),
};
const SCRIPT = '/assets/index-1a2b3c4d.js';

let folder: string;
let http: FastifyInstance;
const warnings: string[] = [];

const createServer = () =>
  createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: createMetrics('gateway'),
    lifecycle: { stopping: false, onStop: () => undefined },
    required: {},
    bodyLimitBytes: 1_024,
  });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'box-office-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<title>Box Office</title>');
  writeFileSync(join(folder, SCRIPT), 'plain');
  writeFileSync(join(folder, `${SCRIPT}.br`), 'brotli');
  writeFileSync(join(folder, `${SCRIPT}.gz`), 'gzip');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  http = createServer();
  await addSecurityHeaders(http);
  await serveBoxOffice({ http, folder, logger: { warn: (message: string) => void warnings.push(message) } });
});
afterAll(async () => {
  await http.close();
  rmSync(folder, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) => http.inject({ url, headers });

describe('The page', () => {
  it.each(['/', '/events/1', '/organize/new', '/unknown'])(
    'is served at %s to a client that navigates',
    async (path) => {
      const { statusCode, headers, body } = await get(path, NAVIGATION);
      expect({ statusCode, body }).toEqual({ statusCode: 200, body: '<title>Box Office</title>' });
      expect(headers['content-type']).toMatch('text/html');
    },
  );

  it.each(['/', '/unknown'])('is not served at %s to other clients', async (path) => {
    for (const accept of ['application/json', '*/*']) {
      const { statusCode, headers } = await get(path, { accept });
      expect({ statusCode, caching: headers['cache-control'] }).toEqual({ statusCode: 404, caching: 'no-store' });
    }
    expect((await http.inject({ method: 'POST', url: path, headers: NAVIGATION })).statusCode).toBe(404);
  });

  it('is asked for again each time, and has not changed with the same ETag', async () => {
    const { headers } = await get('/', NAVIGATION);
    expect(headers['cache-control']).toBe('no-cache');
    const again = await get('/events/1', { ...NAVIGATION, 'if-none-match': String(headers.etag) });
    expect({ status: again.statusCode, body: again.body }).toEqual({ status: 304, body: '' });
  });

  it('has another ETag after a build, even if its time and size are the same', async () => {
    const etagOf = async (content: string) => {
      writeFileSync(join(folder, 'index.html'), content);
      utimesSync(join(folder, 'index.html'), 0, 0);
      return (await get('/', NAVIGATION)).headers.etag;
    };
    expect(await etagOf('<script src="/assets/index-11111111.js">')).not.toBe(
      await etagOf('<script src="/assets/index-22222222.js">'),
    );
  });

  it('may run only the scripts and use only the styles of this gateway', async () => {
    const { headers } = await get('/', NAVIGATION);
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|data:|https:/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('An asset', () => {
  it('is kept for a year', async () => {
    const { statusCode, headers, body } = await get(SCRIPT);
    expect({ statusCode, body }).toEqual({ statusCode: 200, body: 'plain' });
    expect(headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it.each([
    ['br', 'gzip, deflate, br', 'brotli'],
    ['gzip', 'gzip', 'gzip'],
  ])('is sent as %s to a client that accepts %s', async (encoding, accepted, content) => {
    const { headers, body } = await get(SCRIPT, { 'accept-encoding': accepted });
    expect(headers).toMatchObject({ 'content-encoding': encoding, vary: 'accept-encoding' });
    expect(headers['content-type']).toMatch('javascript');
    expect(body).toBe(content);
  });

  it.each(['/assets/gone.js', '/assets/../secret.txt', '/assets/..%2fsecret.txt', '/secret.txt'])(
    'that does not exist is not found and not cached: %s',
    async (path) => {
      const { statusCode, headers, body } = await get(path);
      expect(body).not.toContain('secret');
      expect(statusCode).toBeGreaterThanOrEqual(400);
      expect(headers['cache-control']).toBe('no-store');
    },
  );
});

describe('Other routes', () => {
  it.each(['/health', '/metrics'])('%s stays as it is, even for a browser', async (path) => {
    const { statusCode, body } = await get(path, NAVIGATION);
    expect(statusCode).toBe(200);
    expect(body).not.toContain('Box Office');
  });
});

describe('BOX_OFFICE', () => {
  const serves = (env: NodeJS.ProcessEnv) =>
    readGatewayConfig({ ...requiredEnv, ...ADDRESSES, ...env }).servesBoxOffice;

  it('is on in development only, unless it is set', () => {
    expect(serves({ NODE_ENV: 'development' })).toBe(true);
    expect(serves({ NODE_ENV: 'development', BOX_OFFICE: 'off' })).toBe(false);
    expect(serves({ NODE_ENV: 'production' })).toBe(false);
    expect(serves({ NODE_ENV: 'production', BOX_OFFICE: 'on' })).toBe(true);
  });

  it('without a build serves nothing and says so', async () => {
    const server = createServer();
    expect(warnings).toEqual([]);
    await serveBoxOffice({
      http: server,
      folder: tmpdir(),
      logger: { warn: (text: string) => void warnings.push(text) },
    });
    expect(warnings).toEqual([expect.stringContaining('not built')]);
    expect((await server.inject({ url: '/', headers: NAVIGATION })).statusCode).toBe(404);
    await server.close();
  });
});

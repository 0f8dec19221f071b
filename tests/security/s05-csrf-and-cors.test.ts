import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createToken } from '../../gateway/testing/credentials.ts';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';

const SHOP = 'https://shop.example.com';
const JSON_TYPE = { 'content-type': 'application/json' };
const ME = JSON.stringify({ query: '{ me { id } }' });
const SIGN_OUT = 'mutation { signOut(refreshToken: "x") }';
const user = answer({ data: { me: { id: '1' }, signOut: true } });

describe('S5: a page of another site', () => {
  let gateway: Awaited<ReturnType<typeof startTestGateway>>;
  let authorization: string;
  beforeAll(async () => {
    gateway = await startTestGateway({ user }, { NODE_ENV: 'production', RATE_LIMITS: 'on', CORS_ORIGINS: SHOP });
    authorization = `Bearer ${await createToken()}`;
  });
  afterAll(() => gateway.stop());

  const asked = () => gateway.standIns.user.received.length;
  const send = (init: RequestInit & { headers?: Record<string, string> }, path = '/graphql') =>
    fetch(gateway.url + path, { ...init, headers: { authorization, origin: 'https://evil.example', ...init.headers } });

  it.each([
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, `query=${encodeURIComponent(SIGN_OUT)}`],
    ['a form with a file', { 'content-type': 'multipart/form-data; boundary=x' }, '--x\r\n--x--'],
    ['plain text', { 'content-type': 'text/plain' }, ME],
    ['plain text with JSON as a parameter', { 'content-type': 'text/plain; application/json' }, ME],
    ['a body without a content type', { 'content-type': '' }, ME],
    ['a body with an invalid content type', { 'content-type': 'application/json, text/plain' }, ME],
  ])('cannot send %s, which a browser sends without a preflight request', async (_what, headers, body) => {
    const before = asked();
    const { status } = await send({ method: 'POST', headers, body });
    expect([400, 415]).toContain(status);
    expect(asked()).toBe(before);
  });

  it('cannot read with a link or an image, and cannot change anything with GET', async () => {
    const before = asked();
    expect((await send({}, `/graphql?query=${encodeURIComponent('{ me { id } }')}`)).status).toBe(400);
    const headers = { 'apollo-require-preflight': 'yes' };
    for (const mutation of [SIGN_OUT, `query A { me { id } } mutation B { signOut(refreshToken: "x") }`]) {
      const path = `/graphql?query=${encodeURIComponent(mutation)}&operationName=${mutation.includes(' B ') ? 'B' : ''}`;
      expect([400, 405]).toContain((await send({ headers }, path)).status);
    }
    expect((await send({ method: 'HEAD', headers }, '/graphql?query={me{id}}')).status).toBe(405);
    expect(asked()).toBe(before);
  });

  it.each([
    'https://evil.example',
    'null',
    'http://shop.example.com',
    'https://shop.example.com:8443',
    'https://shop.example.com.evil.example',
    'https://evilshop.example.com',
    'https://SHOP.example.com',
    'https://shop.example.com/',
    'https://shop.example.com, https://evil.example',
  ])('gets no permission to read answers for the origin %s', async (origin) => {
    for (const init of [
      { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } },
      { method: 'POST', headers: { origin, ...JSON_TYPE }, body: ME },
    ]) {
      const { headers } = await send(init);
      expect(headers.get('access-control-allow-origin')).not.toBe('*');
      expect(headers.get('access-control-allow-origin')).not.toBe(origin);
      expect(headers.get('access-control-allow-credentials')).toBeNull();
      expect(headers.get('vary')).toMatch(/origin/i);
    }
  });

  it('can read when its origin is allowed, but never with the browser’s credentials', async () => {
    const { status, headers } = await send({
      method: 'POST',
      headers: { origin: SHOP, ...JSON_TYPE },
      body: ME,
    });
    expect(status).toBe(200);
    expect(headers.get('access-control-allow-origin')).toBe(SHOP);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  });

  it.each([
    ['an answer', 200, { method: 'POST', headers: JSON_TYPE, body: ME }, '/graphql'],
    ['a refusal', 400, { method: 'POST', headers: JSON_TYPE, body: '{' }, '/graphql'],
    ['the refusal of a long body', 413, { method: 'POST', headers: JSON_TYPE, body: 'x'.repeat(300_000) }, '/graphql'],
    ['a missing page', 404, {}, '/nowhere'],
    ['another method', 404, { method: 'PUT' }, '/graphql'],
    ['the health check', 200, {}, '/health'],
    ['the metrics', 200, {}, '/metrics'],
  ])('cannot frame, sniff or run %s', async (_what, status, init, path) => {
    const answered = await send(init, path);
    expect(answered.status).toBe(status);
    expect(Object.fromEntries(answered.headers)).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=15552000',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(answered.headers.get('x-powered-by')).toBeNull();
  });
});

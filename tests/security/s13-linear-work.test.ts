import { pino } from 'pino';
import { Registry } from 'prom-client';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseInput } from '#platform/errors/validation.ts';
import { serveSubgraph } from '#platform/graphql/graphql-server.ts';
import { idKey, pageOf } from '#platform/graphql/pagination.ts';
import { createHttpServer } from '#platform/http/http-server.ts';
import { everyone } from '#platform/identity/authorization.ts';
import {
  clientAddressOf,
  createAuthenticator,
  GATEWAY_PROOF_HEADER,
  isGatewayProof,
} from '#platform/identity/identity.ts';
import { withoutValues } from '../../gateway/http/client-values.ts';
import { requiredEnv } from '../../gateway/testing/credentials.ts';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';
import { createBookingRules } from '../../subgraphs/booking/domain/booking-input.ts';
import { createEventRules } from '../../subgraphs/event/domain/event-input.ts';
import { createUserRules } from '../../subgraphs/user/domain/user-input.ts';
import { HOSTILE_REQUESTS, type HostileRequest, send, times } from './hostile-requests.ts';

const RUNS = 5;
/** For four times the size. Linear work takes four times as long, quadratic work sixteen times. */
const GROWTH_MAX = 8;
const NOISE_MS = 15;
const TIMEOUT_MS = 30_000;

type Sizes = readonly [number, number, number];
const TEXT_SIZES: Sizes = [60_000, 120_000, 240_000];

/** The median processor time of this process for work of each size, in milliseconds. */
async function timesOf(sizes: Sizes, work: (size: number) => unknown): Promise<[number, number, number]> {
  const samples: number[][] = sizes.map(() => []);
  for (let run = 0; run <= RUNS; run += 1) {
    for (const [index, size] of sizes.entries()) {
      const before = process.cpuUsage();
      await work(size);
      const { user, system } = process.cpuUsage(before);
      // The first run only warms up.
      if (run > 0) samples[index]?.push((user + system) / 1_000);
    }
  }
  const [one = 0, two = 0, four = 0] = samples.map((of) => of.toSorted((a, b) => a - b)[RUNS >> 1] ?? 0);
  return [one, two, four];
}

async function expectLinear(sizes: Sizes, work: (size: number) => unknown): Promise<void> {
  const measured = await timesOf(sizes, work);
  const [one, , four] = measured;
  expect(four, `${measured.map((ms) => ms.toFixed(1)).join(', ')} ms`).toBeLessThan(GROWTH_MAX * one + NOISE_MS);
}

it('S13: control: the measurement distinguishes quadratic from linear work', { timeout: TIMEOUT_MS }, async () => {
  const endsInSpaces = (size: number) => / +$/.test(`${' '.repeat(size)}x`);
  await expect(expectLinear([6_000, 12_000, 24_000], endsInSpaces)).rejects.toThrow('less than');
  await expectLinear([60_000, 120_000, 240_000], (size) => JSON.parse(`[${times(size, '1', ',')}]`));
});

describe('S13: the work of the gateway grows at most linearly with the size of a request', () => {
  let gateway: Awaited<ReturnType<typeof startTestGateway>>;
  beforeAll(async () => {
    gateway = await startTestGateway(
      {
        user: answer({ data: { me: null } }),
        event: answer({ data: { event: null, events: { nodes: [] } } }),
        booking: answer({ data: { createBooking: null } }),
      },
      { NODE_ENV: 'production', RATE_LIMITS: 'on', RATE_LIMIT_ADDRESS: '1000000', TRUSTED_PROXIES: '127.0.0.1' },
    );
  });
  afterAll(() => gateway.stop());

  for (const { kind, sizes, requests } of HOSTILE_REQUESTS) {
    it.each(Object.entries(requests))(`a ${kind} with %s`, { timeout: TIMEOUT_MS }, async (_what, requestOf) => {
      await expectLinear(sizes, async (size) => {
        const { status, text } = await send(gateway.url, requestOf(size));
        // The content must be the reason of a refusal: a refusal because of the size would cost the same at every size.
        expect([200, 400, 401, 404, 406, 415], text).toContain(status);
        if (kind === 'document') expect(text).not.toContain('The document is too long.');
      });
    });
  }

  it.each([
    ['a value', (size: number) => `Variable "$a" got invalid value "${'x'.repeat(size)}"; Expected type "A".`],
    ['unfinished reasons', (size: number) => `got invalid value ${times(size / 12, '; Field "x" a "')}`],
    ['unfinished paths', (size: number) => `got invalid value ${times(size / 6, ' at "a.')}; x`],
    ['reasons', (size: number) => `got invalid value ${times(size / 22, '; Expected type "A".')} x`],
    ['unfinished messages', (size: number) => times(size / 18, 'got invalid value ')],
    ['unfinished texts', (size: number) => times(size / 8, 'String "')],
    ['scalars', (size: number) => times(size / 25, 'cannot represent a value')],
  ])('a message of %s', async (_what, messageOf) => {
    await expectLinear(TEXT_SIZES, (size) => withoutValues(messageOf(size)));
  });
});

describe('S13: the work of a subgraph grows at most linearly with the size of a request of the gateway', () => {
  const SECRET = 'a secret of these tests';
  const http = createHttpServer({
    logger: pino({ level: 'silent' }),
    metrics: new Registry(),
    lifecycle: { stopping: false, onStop: () => undefined },
    required: {},
    bodyLimitBytes: 4 * 1_024 * 1_024,
  });
  let url: string;
  beforeAll(async () => {
    await serveSubgraph({
      http,
      typeDefs: 'type Query { list(texts: [String!], of: Filter): [String!]! } input Filter { text: String }',
      resolvers: { Query: { list: (_root: unknown, { texts }: { texts: string[] }) => texts } },
      policy: { Query: { list: everyone }, types: {} },
      authenticate: async () => null,
      acceptedProofs: [SECRET],
      createContext: (context) => context,
      formatError: (error) => error,
    });
    url = await http.listen({ host: '127.0.0.1', port: 0 });
  });
  afterAll(() => http.close());

  const QUERY = 'query ($texts: [String!], $of: Filter) { list(texts: $texts, of: $of) }';
  const wanted: Record<string, (size: number) => HostileRequest> = {
    'a long list': (size) => ({
      body: JSON.stringify({ query: QUERY, variables: { texts: Array(size / 4).fill('a') } }),
    }),
    'a long text': (size) => ({ body: JSON.stringify({ query: QUERY, variables: { texts: ['a'.repeat(size)] } }) }),
    'a long literal': (size) => ({ body: JSON.stringify({ query: `{ list(texts: ["${'a'.repeat(size)}"]) }` }) }),
  };
  it.each(Object.entries(wanted))('%s', { timeout: TIMEOUT_MS }, async (_what, requestOf) => {
    await expectLinear(TEXT_SIZES, async (size) => {
      const { status } = await send(url, { ...requestOf(size), headers: { [GATEWAY_PROOF_HEADER]: SECRET } });
      expect(status).toBe(200);
    });
  });

  it('the body of a request without the proof is not parsed', async () => {
    const { statusCode, body } = await request(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{ no JSON',
    });
    expect(statusCode).toBe(403);
    expect(await body.json()).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
  });
});

describe('S13: the work of a check grows at most linearly with the length of the text', () => {
  const authenticate = createAuthenticator({
    publicKeys: JSON.parse(requiredEnv.JWT_PUBLIC_KEYS),
    issuer: 'x',
    audience: 'x',
  });
  const user = { name: 'x', email: 'x@example.com', password: 'x'.repeat(20) };
  const event = { name: 'x', startsAt: '2030-01-01T00:00:00Z', totalSeats: 1 };
  const booking = createBookingRules(10);
  const checks: Record<string, (size: number) => unknown> = {
    'a name of spaces': (size) => parseInput(createUserRules, { ...user, name: ` ${'a '.repeat(size / 2)}` }),
    'a name of surrogates': (size) => parseInput(createUserRules, { ...user, name: '\ud800'.repeat(size) }),
    'an e-mail address of dots': (size) =>
      parseInput(createUserRules, { ...user, email: `a@${'a.'.repeat(size / 2)}` }),
    'an e-mail address of ats': (size) => parseInput(createUserRules, { ...user, email: 'a@'.repeat(size / 2) }),
    'a short e-mail address in spaces': (size) =>
      parseInput(createUserRules, { ...user, email: `${' '.repeat(size)}a.a.a.a@a.a.a${' '.repeat(size)}` }),
    'a long password': (size) => parseInput(createUserRules, { ...user, password: 'e\u0301'.repeat(size / 2) }),
    'a description of lines': (size) =>
      parseInput(createEventRules, { ...event, description: '\r\n'.repeat(size / 2) }),
    'a date of digits': (size) =>
      parseInput(createEventRules, { ...event, startsAt: `2030-01-01T00:00:00.${'1'.repeat(size)}` }),
    'an idempotency key': (size) =>
      parseInput(booking, { eventId: 'x', seatCount: 1, idempotencyKey: 'k'.repeat(size) }),
    'the id of a user': (size) =>
      parseInput(booking, { eventId: 'x', seatCount: 1, idempotencyKey: 'k'.repeat(9), userId: '0-'.repeat(size / 2) }),
    'a cursor of deep JSON': (size) => pageAfter('['.repeat(size)),
    'a cursor of a long list': (size) => pageAfter(`[${times(size / 2, '1', ',')}]`),
    'a cursor of a long text': (size) => pageAfter(`["${'a'.repeat(size)}"]`),
    'a token': (size) => authenticate(`Bearer ${'a.'.repeat(size / 2)}`).catch(() => undefined),
    'an address': (size) => clientAddressOf('0:'.repeat(size / 2)),
    'an address in brackets': (size) => clientAddressOf(`::ffff:${'1.'.repeat(size / 2)}`),
    "a gateway's proof": (size) => isGatewayProof('a'.repeat(size), ['a secret']),
  };
  const pageAfter = (json: string) => {
    const after = Buffer.from(json).toString('base64url');
    expect(() => pageOf({ after }, idKey)).toThrow('after is not a cursor of this list.');
  };
  it.each(Object.entries(checks))('%s', (_what, check) => expectLinear(TEXT_SIZES, check));
});

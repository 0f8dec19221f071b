import { Readable } from 'node:stream';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';

const behaviours = {
  user: answer({ data: { me: null } }),
  event: answer({ data: { events: { nodes: [] } } }),
  booking: answer({ data: { bookings: { nodes: [] } } }),
  notification: answer({ data: { notifications: { nodes: [] } } }),
};

type TestGateway = Awaited<ReturnType<typeof startTestGateway>>;

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => part(i)).join(' ');
const nested = (depth: number) => `${'event { bookings(first: 1) { nodes { '.repeat(depth)}id${' } } }'.repeat(depth)}`;
/** Each fragment spreads the next one twice: 2 to the power of `fragments` selections in a short document. */
const bomb = (fragments: number) =>
  `{ me { ...f0 } } ${times(fragments, (i) => `fragment f${i} on User { id ...f${i + 1} name ...f${i + 1} }`)}
   fragment f${fragments} on User { id }`;
const variables = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`v${i}`, i]));

/** For each limit, an operation above it and one within it. */
const LIMITS: [reason: string, tooMuch: string, enough: string][] = [
  ['tokens', `{ me { ${times(260, () => '... { id }')} } }`, `{ me { ${times(120, () => '... { id }')} } }`],
  ['selections', bomb(30), bomb(5)],
  ['depth', `{ bookings { nodes { ${nested(3)} } } }`, `{ bookings { nodes { ${nested(2)} } } }`],
  ['aliases', `{ me { ${times(16, (i) => `a${i}: id`)} } }`, `{ me { ${times(15, (i) => `a${i}: id`)} } }`],
  [
    'aliases',
    `{ me { ...a b: id } } fragment a on User { ${times(15, (i) => `a${i}: id`)} }`,
    `{ me { ...a id } } fragment a on User { ${times(15, (i) => `a${i}: id`)} }`,
  ],
  [
    'root_fields',
    `{ ${times(11, (i) => (i < 6 ? `me${i}: me { id }` : `e${i}: events { nodes { id } }`))} }`,
    '{ me { id } }',
  ],
  [
    'root_fields',
    `{ ...a ...b } fragment a on Query { ${times(6, (i) => `a${i}: me { id }`)} } fragment b on Query { ${times(6, (i) => `b${i}: me { id }`)} }`,
    `{ ...a } fragment a on Query { ${times(6, (i) => `a${i}: me { id }`)} }`,
  ],
  [
    'directives',
    `{ me { ${times(21, () => 'id @skip(if: false)')} } }`,
    `{ me { ${times(20, () => 'id @skip(if: false)')} } }`,
  ],
];

describe('S1: the size of an operation is limited', () => {
  let gateway: TestGateway;
  let unlimited: TestGateway;
  beforeAll(async () => {
    gateway = await startTestGateway(behaviours);
    unlimited = await startTestGateway(behaviours, { LIMITS: 'off' });
  });
  afterAll(async () => {
    await gateway.stop();
    await unlimited.stop();
  });

  const askedSubgraphs = () => Object.values(gateway.standIns).flatMap(({ received }) => received).length;
  const counted = async (reason: string) =>
    Number(
      new RegExp(`gateway_refusals_total\\{[^}]*reason="${reason}"[^}]*\\} (\\d+)`).exec(await metrics())?.[1] ?? 0,
    );
  const metrics = async () => (await fetch(`${gateway.url}/metrics`)).text();

  it.each(LIMITS)(
    '%s: an operation above the limit is refused before a subgraph is called; one within the limit is not',
    async (reason, tooMuch, enough) => {
      const [asked, refused] = [askedSubgraphs(), await counted(reason)];
      const { status, body, text } = await gateway.ask(tooMuch);
      expect(status).toBe(400);
      expect(body.errors?.map(({ extensions }) => extensions)).toContainEqual({ code: 'QUERY_TOO_COMPLEX' });
      expect(text).not.toMatch(/\d{2,}/);
      expect(askedSubgraphs()).toBe(asked);
      expect(await counted(reason)).toBe(refused + 1);

      expect((await gateway.ask(enough)).body.errors ?? []).not.toContainEqual(
        expect.objectContaining({ extensions: { code: 'QUERY_TOO_COMPLEX' } }),
      );
      expect(askedSubgraphs()).toBeGreaterThan(asked);
    },
  );

  it('refuses an operation with too many variables', async () => {
    const asked = askedSubgraphs();
    expect((await gateway.ask('{ me { id } }', { variables: variables(10_000) })).body.errors).toMatchObject([
      { extensions: { code: 'QUERY_TOO_COMPLEX' } },
    ]);
    expect(askedSubgraphs()).toBe(asked);
    expect((await gateway.ask('{ me { id } }', { variables: variables(50) })).body.data).toEqual({ me: null });
  });

  it.each([
    ['directly', '{ me { ...a } } fragment a on User { id ...a }'],
    ['through another fragment', '{ me { ...a } } fragment a on User { ...b } fragment b on User { ...a }'],
    ['at a deeper level', `{ me { ...a } } fragment a on User { bookings { nodes { user { ...a } } } }`],
  ])('refuses a fragment that spreads itself %s', async (_how, query) => {
    const asked = askedSubgraphs();
    const { status, body } = await gateway.ask(query);
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    expect(askedSubgraphs()).toBe(asked);
  });

  it.each([
    ['with a content-length', (body: string) => body],
    ['without a content-length', (body: string) => Readable.from([body.slice(0, 1_000), body.slice(1_000)])],
  ])('refuses a body of 1 MB %s, before it is parsed', async (_how, toBody) => {
    const { statusCode, body } = await request(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: toBody(JSON.stringify({ query: `{ me { id } } # ${'x'.repeat(2 ** 20)}` })),
    });
    expect(statusCode).toBe(413);
    expect(await body.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    expect(await metrics()).toContain('reason="body_too_large"');
  });

  it('LIMITS=off turns the limits off', async () => {
    for (const [, tooMuch] of LIMITS.filter(([reason]) => reason !== 'selections')) {
      const { errors } = (await unlimited.ask(tooMuch)).body;
      expect(errors?.map(({ extensions }) => extensions.code) ?? []).not.toContain('QUERY_TOO_COMPLEX');
    }
  });
});

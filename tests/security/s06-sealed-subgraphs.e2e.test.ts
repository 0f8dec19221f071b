import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator, GATEWAY_PROOF_HEADER, isGatewayProof } from '#platform/identity/identity.ts';
import { SUBGRAPHS } from '#services';
import { createToken, proofOf, requiredEnv } from '../../gateway/testing/credentials.ts';
import { answer } from '../../gateway/testing/stand-in.ts';
import { startTestGateway } from '../../gateway/testing/test-gateway.ts';
import { type Client, signUp } from '../support/client.ts';
import { startTestSystem, type TestSystem } from '../support/system.ts';

const [NEW, OLD] = ['a-new-secret-of-the-gateway', 'the-secret-before-this-one-0001'];
const REFUSED = { errors: [{ message: 'Subgraphs answer the gateway only.', extensions: { code: 'FORBIDDEN' } }] };

describe('S6: subgraphs answer only the gateway', () => {
  let system: TestSystem;
  let ada: Client;
  beforeAll(async () => {
    // The event subgraph accepts two secrets, as during a change of its secret.
    system = await startTestSystem({ env: { EVENT_SUBGRAPH_SECRET: `${NEW},${OLD}` } });
    ada = await signUp(system.graphqlUrl);
  });
  afterAll(() => system?.stop());

  const ask = (name: (typeof SUBGRAPHS)[number], query: string, headers: RequestInit['headers'] = {}) =>
    fetch(`${system.urls[name]}/graphql`, {
      method: 'POST',
      headers: [
        ['content-type', 'application/json'],
        ['authorization', `Bearer ${ada.accessToken}`],
        ...new Headers(headers),
      ],
      body: JSON.stringify({ query }),
    });

  const OPERATIONS = [
    '{ _service { sdl } }',
    '{ _entities(representations: [{ __typename: "User", id: "1" }]) { __typename } }',
    '{ __typename }',
    'mutation { __typename }',
    '{ __schema { types { name } } }',
    'not even GraphQL',
  ];
  it.each(SUBGRAPHS)(
    'the %s subgraph refuses every operation without the proof, even with a valid token',
    async (name) => {
      for (const query of OPERATIONS) {
        const response = await ask(name, query);
        expect(response.status).toBe(403);
        expect(await response.json()).toEqual(REFUSED);
      }
      expect((await fetch(`${system.urls[name]}/graphql`)).status).toBe(404);
      // With DEBUG_ENDPOINTS=on it would be 401.
      expect((await fetch(`${system.urls[name]}/debug/db`)).status).toBe(404);
    },
  );

  it('a subgraph accepts only its own proof, complete and sent once', async () => {
    const { user, event } = system.secrets.subgraphs;
    expect((await ask('user', '{ me { id } }', { [GATEWAY_PROOF_HEADER]: user })).status).toBe(200);
    const wrong = [
      '',
      ' ',
      event,
      user.toUpperCase(),
      user.slice(0, -1),
      `${user}x`,
      `${user}, ${user}`,
      `${event},${user}`,
      'x'.repeat(8_000),
    ];
    for (const proof of wrong) {
      expect((await ask('user', '{ me { id } }', { [GATEWAY_PROOF_HEADER]: proof })).status).toBe(403);
    }
  });

  it('a subgraph accepts the old and the new secret during a change, and only the new one afterwards', async () => {
    const statusOf = async (proof: string) =>
      (await ask('event', '{ __typename }', { [GATEWAY_PROOF_HEADER]: proof })).status;
    expect(await Promise.all([NEW, OLD].map(statusOf))).toEqual([200, 200]);
    for (const proof of [`${NEW},${OLD}`, system.secrets.subgraphs.event]) expect(await statusOf(proof)).toBe(403);
    expect((await ada.send('{ events { nodes { id } } }')).data).toEqual({ events: { nodes: [] } });
    expect(isGatewayProof(OLD, [NEW])).toBe(false);
    for (const header of [undefined, [OLD]]) expect(isGatewayProof(header, [NEW, OLD])).toBe(false);
  });

  it('health, metrics and public keys need no proof', async () => {
    for (const name of SUBGRAPHS) {
      for (const path of ['/health', '/ready', '/serving', '/metrics']) {
        expect((await fetch(system.urls[name] + path)).status).toBe(200);
      }
    }
    const keys = await (await fetch(`${system.urls.user}/.well-known/jwks.json`)).json();
    expect(keys).toEqual(system.secrets.publicKeys);
  });

  it('a subgraph refuses a token of an unknown key, even with the proof', async () => {
    const stranger = await createToken();
    const headers = { authorization: `Bearer ${stranger}`, [GATEWAY_PROOF_HEADER]: system.secrets.subgraphs.user };
    const response = await fetch(`${system.urls.user}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{"query":"{ me { id } }"}',
    });
    expect(response.status).toBe(401);
    const known = createAuthenticator({
      publicKeys: JSON.parse(String(requiredEnv.JWT_PUBLIC_KEYS)),
      issuer: 'event-booking-system',
      audience: 'event-booking-system',
    });
    expect(await known(`Bearer ${stranger}`)).toMatchObject({ role: 'USER' });
  });

  it('a subgraph gets the headers that the gateway sets, not the ones that a client forges', async () => {
    const gateway = await startTestGateway({ user: answer({ data: { me: { id: '1' } } }) });
    try {
      const token = await createToken();
      await gateway.ask('{ me { id } }', {
        headers: {
          authorization: `Bearer ${token}`,
          [GATEWAY_PROOF_HEADER]: 'forged',
          'x-client-address': '203.0.113.9',
          'x-forwarded-for': '203.0.113.9',
          forwarded: 'for=203.0.113.9',
          'x-real-ip': '203.0.113.9',
          'x-user-id': 'somebody',
          'x-role': 'ADMIN',
          cookie: 'session=1',
          'apollo-federation-include-trace': 'ftv1',
          'apollographql-client-name': 'evil',
          'x-request-id': 'chosen-by-the-client',
          'x-time-left-ms': '999999',
        },
      });
      const [received] = gateway.standIns.user.received;
      const { host: _host, connection: _connection, 'content-length': _length, ...headers } = received?.headers ?? {};
      expect(headers).toEqual({
        'content-type': 'application/json',
        authorization: `Bearer ${token}`,
        [GATEWAY_PROOF_HEADER]: proofOf('user'),
        'x-client-address': '127.0.0.1',
        'x-request-id': 'chosen-by-the-client',
        // The remaining time of the query.
        'x-time-left-ms': expect.stringMatching(/^1?\d{1,3}$/),
      });
    } finally {
      await gateway.stop();
    }
  });
});

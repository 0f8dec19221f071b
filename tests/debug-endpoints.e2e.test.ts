import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SERVICES, SUBGRAPH_LIST } from '#services';
import { type Client, signUp, signUpAdmin } from './support/client.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const STREAMS = {
  user: ['USERS'],
  event: ['EVENTS'],
  booking: ['BOOKINGS', 'EVENTS', 'USERS'],
  notification: ['BOOKINGS', 'DEAD_LETTERS', 'EVENTS', 'USERS'],
};

describe('/debug with DEBUG_ENDPOINTS=on', () => {
  let system: TestSystem;
  let admin: Client;
  let user: Client;
  beforeAll(async () => {
    system = await startTestSystem({
      env: { DEBUG_ENDPOINTS: 'on', ADMISSION_WAITING_MAX: '1000', RATE_LIMITS: 'on' },
    });
    [admin, user] = await Promise.all([signUpAdmin(system), signUp(system.graphqlUrl)]);
  });
  afterAll(() => system?.stop());

  async function get(name: (typeof SERVICES)[number], part: string, accessToken?: string) {
    const headers = accessToken === undefined ? {} : { authorization: `Bearer ${accessToken}` };
    const response = await fetch(`${system.urls[name]}/debug/${part}`, { headers });
    return { status: response.status, body: await response.json() };
  }

  it.each(SERVICES)('%s shows an admin the dependencies that it has, and refuses others', async (name) => {
    const subgraph = name === 'gateway' ? undefined : SUBGRAPH_LIST[name];
    const uses = { db: subgraph !== undefined, nats: true, redis: subgraph?.usesRedis ?? !subgraph };
    for (const [part, isUsed] of Object.entries(uses)) {
      expect(await get(name, part)).toMatchObject({ status: 401 });
      expect(await get(name, part, user.accessToken)).toMatchObject({ status: 403 });
      expect(await get(name, part, admin.accessToken)).toMatchObject({ status: isUsed ? 200 : 404 });
    }
  });

  it.each(Object.entries(STREAMS))('%s shows the streams that it owns or reads', async (name, streams) => {
    const { body } = await get(name as keyof typeof STREAMS, 'nats', admin.accessToken);
    expect(Object.keys((body as { streams: object }).streams).sort()).toEqual(streams);
  });
});

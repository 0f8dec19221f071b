import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { signInMany } from '../support/buyers.ts';
import { anonymous, createEvent, renameEvent, signUp } from '../support/client.ts';
import { registerAll } from '../support/fault-test.ts';
import { createHistory } from '../support/history.ts';
import { connectTo } from '../support/invariants.ts';
import { startOpenLoop } from '../support/open-loop.ts';
import { SEED } from '../support/promise.ts';
import type { Rig, Scene } from '../support/rig.ts';

const RATE_PER_S = 15;
const BUYERS = 60;
/** The seats of the first event, for which every second buyer asks, and of the others. */
const SEATS = [300, 100_000, 100_000, 100_000] as const;
const PASSWORD = 'correct horse battery';
const PROBE_TIMEOUT_MS = 5_000;

const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { ... on Session { accessToken } ... on DomainError { code } }
}`;

/**
 * Starts a mixed load: buyers book, cancel and read pages; users register and sign in, some with a wrong password and
 * some too often; an organizer renames events; and clients send documents that the gateway refuses. Probes ask each
 * service for its readiness, as an orchestrator does.
 */
export async function startMixedLoad(rig: Rig): Promise<Scene & { stopLoad(): Promise<void> }> {
  const { system } = rig;
  const { graphqlUrl } = system;
  const organizer = await signUp(graphqlUrl);
  const eventIds = await Promise.all(SEATS.map((totalSeats) => createEvent(organizer, { totalSeats })));
  const buyers = await signInMany(BUYERS, system.secrets);
  await registerAll(rig, buyers);
  const notifications = await connectTo(system.databaseUrls.notification);
  await notifications.batch(
    "INSERT INTO contacts (user_id, name, email) VALUES (?, 'Buyer', ?)",
    buyers.map(({ userId }) => [userId, `${userId}@example.com`]),
  );
  await notifications.end();

  const history = createHistory(SEED);
  const load = startOpenLoop({ graphqlUrl, history, ratePerS: RATE_PER_S, buyers, eventIds });
  const over = new AbortController();
  const guest = anonymous(graphqlUrl);
  const email = `${randomUUID()}@example.com`;
  await guest.send(
    'mutation Register($input: CreateUserInput!) { createUser(input: $input) { ... on Session { accessToken } } }',
    { input: { name: 'Ada', email, password: PASSWORD } },
  );
  const loops = [
    repeat(over.signal, 1_500, () => guest.send(SIGN_IN, { input: { email, password: PASSWORD } })),
    repeat(over.signal, 3_000, () => guest.send(SIGN_IN, { input: { email: `no-${email}`, password: PASSWORD } })),
    repeat(over.signal, 4_000, () => guest.send('query Wrong { events { seats } }')),
    repeat(over.signal, 5_000, () => signUp(graphqlUrl)),
    repeat(over.signal, 5_000, (turn) => renameEvent(organizer, eventIds[1] ?? '', `Concert ${turn}`)),
    ...Object.values(system.urls).map((url) =>
      repeat(over.signal, 1_000, () => fetch(`${url}/ready`, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })),
    ),
  ];

  return {
    ...rig,
    history,
    load,
    eventIds,
    async stopLoad() {
      over.abort();
      await load.stop();
      await Promise.all(loops);
      await load.close();
    },
  };
}

/** Does something at intervals until the end. Its failures, which faults cause, are ignored. */
async function repeat(over: AbortSignal, everyMs: number, work: (turn: number) => Promise<unknown>): Promise<void> {
  for (let turn = 1; !over.aborted; turn += 1) {
    await Promise.all([
      work(turn).catch(() => undefined),
      delay(everyMs, undefined, { signal: over }).catch(() => undefined),
    ]);
  }
}

import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import type { Connection } from 'mariadb';
import { OperationError } from '#client/answers.ts';
import { type Client, createClient, createKey } from '#client/client.ts';
import { createMemoryStore } from '#client/sessions.ts';
import { openConnection } from '#platform/database/migrations.ts';
import { recordedPids } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { loadSecrets, type Secrets } from '#scripts/local/secrets.ts';
import { databaseUrlOf } from '#scripts/local/servers/database-accounts.ts';
import { LocalError, loadEnvironment, readSettings } from '#scripts/local/settings.ts';
import { eachOf, SUBGRAPHS } from '#services';
import { signInMany } from '#tests/support/buyers.ts';
import { eachOfMany } from '#tests/support/random.ts';
import { startBenchSystem, withDataDir } from '../support/system.ts';
import { arrivalTimesMs } from './arrivals.ts';
import { checkDatabases, checkGraph, type Databases, type Findings } from './checks.ts';
import { type Booking, startLoad } from './run.ts';

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const SIGN_UPS_AT_ONCE = 4;
/** V8 compiles the hot code of new services in this time. The bookings are for an event of their own. */
const WARM_UP = { bookings: 1_000, ratePerS: 200, users: 50 };

/** A system under load. */
export interface Target {
  readonly url: string;
  /** The number of retries that the clients made so far, by the codes of the errors. */
  readonly retries: Map<string, number>;
  /** Where the bookings are checked. */
  readonly checkedIn: 'the databases' | 'the graph';
  /** Returns clients of different users. */
  openClients(count: number): Promise<Client[]>;
  /** Creates an event. Returns its id. */
  createEvent(organizer: Client, seats: number): Promise<string>;
  /** Checks that no seat was sold twice and no booking was lost. */
  check(organizer: Client, bookings: readonly Booking[]): Promise<Findings>;
}

/** Runs a load on the system at a URL, or on a new system with settings in `env` that it starts on free ports. */
export async function withTarget(
  url: string | undefined,
  { env }: { env?: NodeJS.ProcessEnv },
  run: (target: Target) => Promise<void>,
): Promise<void> {
  if (url !== undefined) {
    const connections = new AsyncDisposableStack();
    try {
      return await run(createTarget(url, await findAccess(url, connections)));
    } catch (error) {
      if (error instanceof OperationError) throw new LocalError(`${url}: ${error.message}`, { cause: error });
      throw error;
    } finally {
      await connections.disposeAsync();
    }
  }
  await withDataDir(tmpdir(), async (dataDir, started) => {
    const names = ['gateway', ...SUBGRAPHS] as const;
    const { ports, secrets, servers } = await startBenchSystem({ dataDir, started, names, ...(env && { env }) });
    const databases = await connectAll(servers.databaseUrls, started);
    const access = { databases, keys: { secrets, users: databases.user } };
    const target = createTarget(`http://127.0.0.1:${ports.gateway}/graphql`, access);
    await tellStep('Warming up', () => warmUp(target));
    await run(target);
  });
}

async function warmUp(target: Target): Promise<void> {
  const clients = await target.openClients(WARM_UP.users);
  const eventIds = [await target.createEvent(clients[0] as Client, WARM_UP.bookings)];
  const dueTimesMs = arrivalTimesMs(WARM_UP.bookings, { ...WARM_UP, arrivals: 'constant' });
  await startLoad({ clients, eventIds, dueTimesMs }).done;
  target.retries.clear();
}

/** What the command may do beside sending operations. */
interface Access {
  readonly databases?: Databases;
  /** The keys that sign access tokens, and the database for their users. */
  readonly keys?: { readonly secrets: Secrets; readonly users: Connection };
}

/** Finds the databases of a running system in the environment, and its keys when `npm start` runs it here. */
async function findAccess(url: string, connections: AsyncDisposableStack): Promise<Access> {
  const settings = readSettings(loadEnvironment());
  const { dataDir, ports, given } = settings;
  const { hostname, port } = new URL(url);
  const isOurs = ['localhost', '127.0.0.1'].includes(hostname) && port === String(ports.gateway);
  const secrets = isOurs && 'gateway' in recordedPids(dataDir) ? await loadSecrets(dataDir) : undefined;
  const { booking, notification } = given.databaseUrls;
  if (secrets !== undefined) {
    const urls = eachOf(['user', 'booking', 'notification'] as const, (name) => databaseUrlOf(name, settings, secrets));
    const databases = await connectAll(urls, connections);
    return { databases, keys: { secrets, users: databases.user } };
  }
  return booking && notification ? { databases: await connectAll({ booking, notification }, connections) } : {};
}

async function connectAll<Name extends string>(
  urls: Readonly<Record<Name, string>>,
  connections: AsyncDisposableStack,
): Promise<Record<Name, Connection>> {
  const opened: [string, Connection][] = [];
  for (const [name, url] of Object.entries<string>(urls)) {
    const connection = await openConnection(url).catch((cause) => {
      throw new LocalError(`The database ${new URL(url).host} cannot be reached. Is the system running?`, { cause });
    });
    opened.push([name, connections.adopt(connection, () => connection.end())]);
  }
  return Object.fromEntries(opened) as Record<Name, Connection>;
}

function createTarget(url: string, { databases, keys }: Access): Target {
  const retries = new Map<string, number>();
  const onRetry = (code: string) => void retries.set(code, (retries.get(code) ?? 0) + 1);
  return {
    url,
    retries,
    checkedIn: databases ? 'the databases' : 'the graph',
    openClients: (count) =>
      keys && databases
        ? openWithKeys(count, { url, onRetry }, { ...keys, contacts: databases.notification })
        : signUpAll(count, { url, onRetry }),
    async createEvent(organizer, seats) {
      const startsAt = new Date(Date.now() + 30 * DAY_MS).toISOString();
      const result = await organizer.addEvent({ name: 'Load test', startsAt, totalSeats: seats });
      if (result.__typename !== 'CreateEventPayload') throw new LocalError(`No event was created: ${result.message}`);
      return result.event.id;
    },
    check: (organizer, bookings) => (databases ? checkDatabases(databases, bookings) : checkGraph(organizer, bookings)),
  };
}

type ClientSettings = Pick<Parameters<typeof createClient>[0], 'url' | 'onRetry'>;

/** Creates users with access tokens signed with the keys of the system. Hashing their passwords would take long. */
async function openWithKeys(
  count: number,
  settings: ClientSettings,
  { secrets, users, contacts }: { secrets: Secrets; users: Connection; contacts: Connection },
): Promise<Client[]> {
  const buyers = await signInMany(count, secrets);
  const rows = buyers.map(({ userId }) => [userId, 'Load Test', `${userId}@example.com`]);
  await users.batch("INSERT INTO users (id, name, email, password_hash) VALUES (?, ?, ?, '-')", rows);
  await contacts.batch('INSERT INTO contacts (user_id, name, email) VALUES (?, ?, ?)', rows);
  const expiresAt = new Date(Date.now() + HOUR_MS).toISOString();
  return buyers.map(({ userId, authorization }) => {
    const user = { id: userId, name: 'Load Test', email: null, role: 'USER' } as const;
    const session = { accessToken: authorization.replace('Bearer ', ''), refreshToken: '', expiresAt, user };
    return createClient({ ...settings, store: createMemoryStore(session) });
  });
}

const signUpAll = (count: number, settings: ClientSettings): Promise<Client[]> =>
  tellStep(`Registering ${count} users`, () =>
    eachOfMany(Array.from({ length: count }), SIGN_UPS_AT_ONCE, async () => {
      const client = createClient(settings);
      const input = { name: 'Load Test', email: `${randomUUID()}@example.com`, password: createKey() };
      const result = await client.signUp(input).catch((error) => {
        if (!(error instanceof OperationError && error.code === 'RATE_LIMITED')) throw error;
        throw new LocalError('The system limits registrations. Use fewer users, or raise SIGN_UP_LIMIT_ADDRESS.');
      });
      if (result.__typename !== 'Session') throw new LocalError(`No user was registered: ${result.message}`);
      return client;
    }),
  );

/**
 * npm run bench:messages
 *
 * Measures how fast messages travel, on private servers:
 * - relay: messages per second that one relay in this process publishes from a full outbox;
 * - latency: from the time when a booking's row is written, just before its commit, to the time when this process sees
 *   the committed notification. The bookings come at a fixed rate, without waiting for answers. All times are from the
 *   clock of this machine. The polling interval and the commit are included in the latency.
 * The latency is measured with the servers' data on disk and in memory. Every step waits for a flush, and some disks
 * need hundreds of milliseconds for a flush from time to time. The target for the latency therefore applies to data in
 * memory. Fails if a message was lost or a target is missed. Writes docs/benchmarks/messages.md.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Connection } from 'mariadb';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import type { LocalServers } from '#scripts/local/servers/servers.ts';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { signInMany } from '#tests/support/buyers.ts';
import { measureRelay } from './support/relay.ts';
import { saveEventFacts, startBenchSystem, withDataDir } from './support/system.ts';
import { createDatabase, makeEvents, overHttp, type Variant } from './support/variants.ts';

/** The folders for the servers' data. Systems without /dev/shm use only the disk. */
const PLACES = { 'on disk': tmpdir(), 'in memory': '/dev/shm' };
const MESSAGES = 50_000;
const RELAY_ROUNDS = 3;
const RATES = [50, 500];
const BAR = { relayPerSecond: 5_000, rate: 500, p99Ms: 100 };
const EVENTS = 100;
const USERS = 200;
const WARM_UP_MS = 2_000;
const DURATION_MS = 15_000;
const POLL_MS = 2;
const SEEN_TIMEOUT_MS = 30_000;
const REPORT_FILE = 'docs/benchmarks/messages.md';

interface Latency {
  readonly place: string;
  readonly rate: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

async function main(): Promise<void> {
  const perSecond: number[] = [];
  const latencies: Latency[] = [];
  for (const [place, folder] of Object.entries(PLACES).filter(([, folder]) => existsSync(folder))) {
    await withDataDir(folder, async (dataDir, started) => {
      const system = await startSystem(dataDir, started);
      if (perSecond.length === 0) perSecond.push(...(await measureRelays(system.servers)));
      for (const rate of RATES) {
        const title = `${rate} bookings per second, ${place}`;
        const measured = await tellStep(
          title,
          () => measureLatency(system, rate),
          ({ p99Ms }) => `p99 ${p99Ms} ms`,
        );
        latencies.push({ place, ...measured });
      }
    });
  }
  const text = report(perSecond, latencies);
  writeFileSync(join(root, REPORT_FILE), text);
  await runTool('biome', ['format', '--write', REPORT_FILE]);
  console.log(`\n${text}`);
  judge(perSecond, latencies);
}

/** A system with the booking and notification subgraphs, with bookable events and the contacts of the buyers. */
interface System {
  readonly servers: LocalServers;
  readonly subgraph: Variant;
  readonly events: readonly string[];
  readonly admin: Connection;
}

async function startSystem(dataDir: string, started: AsyncDisposableStack): Promise<System> {
  const { ports, servers, secrets, admin } = await startBenchSystem({
    dataDir,
    started,
    names: ['booking', 'notification'],
  });
  const buyers = await signInMany(USERS, secrets);
  const databaseUrl = servers.databaseUrls.booking;
  const events = await makeEvents(databaseUrl, EVENTS, 1_000_000);
  await admin.batch(
    "INSERT INTO notification_db.contacts (user_id, name, email) VALUES (?, 'Ada', 'ada@example.com')",
    buyers.map(({ userId }) => [userId]),
  );
  await saveEventFacts(admin, events);
  const way = { url: `http://127.0.0.1:${ports.booking}/graphql`, databaseUrl, proof: secrets.subgraphs.booking };
  const subgraph = overHttp('createBooking', { ...way, buyers });
  started.defer(() => void subgraph.stop());
  return { servers, subgraph, events, admin };
}

/** Measures the messages per second of one relay. Returns one value for each round. */
async function measureRelays({ adminUrl, natsUrl }: LocalServers): Promise<number[]> {
  const perSecond: number[] = [];
  for (let round = 1; round <= RELAY_ROUNDS; round += 1) {
    const databaseUrl = await createDatabase(adminUrl, `bench_relay_${round}`);
    const run = () => measureRelay({ databaseUrl, natsUrl, round, count: MESSAGES });
    perSecond.push(await tellStep(`Relay, round ${round}`, run, (value) => `${Math.round(value)}/s`));
  }
  return perSecond;
}

/**
 * Books at a fixed rate and measures the latency.
 * @throws LocalError when a booking was not confirmed or not notified
 */
async function measureLatency({ subgraph, admin, events }: System, rate: number): Promise<Omit<Latency, 'place'>> {
  const watch = await watchNotifications(admin);
  const total = Math.round(((WARM_UP_MS + DURATION_MS) / 1_000) * rate);
  const beganAtMs = Date.now();
  const answers: Promise<string>[] = [];
  while (answers.length < total) {
    const due = Math.min(total, Math.floor(((Date.now() - beganAtMs) / 1_000) * rate));
    while (answers.length < due) answers.push(subgraph.book(events[answers.length % events.length] ?? ''));
    await delay(1);
  }
  const confirmed = (await Promise.all(answers)).filter((answer) => answer === 'confirmed').length;
  const seenAtMs = await watch.end(total);
  if (confirmed !== total || seenAtMs.size !== total) {
    throw new LocalError(`${total} bookings: ${confirmed} were confirmed and ${seenAtMs.size} were notified.`);
  }
  const booked = await admin.query<{ id: string; atMs: number }[]>(
    `SELECT id, CAST(UNIX_TIMESTAMP(created_at) * 1000 AS DOUBLE) AS atMs FROM booking_db.bookings
     WHERE created_at >= FROM_UNIXTIME(?)`,
    [(beganAtMs + WARM_UP_MS) / 1_000],
  );
  const latenciesMs = booked.map(({ id, atMs }) => (seenAtMs.get(id) ?? Number.NaN) - atMs).sort((a, b) => a - b);
  const percentile = (share: number) => Math.round(latenciesMs[Math.floor((latenciesMs.length - 1) * share)] ?? 0);
  return { rate, p50Ms: percentile(0.5), p99Ms: percentile(0.99), maxMs: percentile(1) };
}

/**
 * Records when the committed notification of each booking was first seen. It polls for ids above the last one. This
 * works because there is only one notification process, so the ids increase.
 */
async function watchNotifications(admin: Connection) {
  const seenAtMs = new Map<string, number>();
  const [newest] = await admin.query<{ id: string | null }[]>(
    'SELECT MAX(id) AS id FROM notification_db.notifications',
  );
  let last = newest?.id ?? '';
  let ending = false;
  const watching = (async () => {
    while (!ending) {
      const rows = await admin.query<{ id: string; bookingId: string }[]>(
        'SELECT id, booking_id AS bookingId FROM notification_db.notifications WHERE id > ? ORDER BY id',
        [last],
      );
      const nowMs = Date.now();
      for (const { id, bookingId } of rows) {
        seenAtMs.set(bookingId, nowMs);
        last = id;
      }
      await delay(POLL_MS);
    }
  })();
  return {
    async end(count: number): Promise<ReadonlyMap<string, number>> {
      const giveUpAtMs = Date.now() + SEEN_TIMEOUT_MS;
      while (seenAtMs.size < count && Date.now() < giveUpAtMs) await delay(POLL_MS);
      ending = true;
      await watching;
      return seenAtMs;
    },
  };
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const number = (value: number) => Math.round(value).toLocaleString('en-US');

function report(perSecond: readonly number[], latencies: readonly Latency[]): string {
  const machine = `${cpus().length} cores, Node ${process.versions.node}; servers, services and load on one machine`;
  const rows = latencies.map(({ place, rate, p50Ms, p99Ms, maxMs }) =>
    ['', `${number(rate)}, ${place}`, `${p50Ms} ms`, `${p99Ms} ms`, `${maxMs} ms`, ''].join(' | ').trim(),
  );
  return `# Messages: relay throughput, and latency from commit to notification

${machine}. Made by \`npm run bench:messages\`.

One relay empties an outbox of ${number(MESSAGES)} messages at **${number(median(perSecond))} messages per second**
(${perSecond.map(number).join(', ')} in ${perSecond.length} rounds; the target is ${number(BAR.relayPerSecond)}).

The table shows the latency from writing a booking's row, just before its commit, to seeing its committed notification.
The bookings come at a fixed rate. The target is a p99 below ${BAR.p99Ms} ms at ${BAR.rate} bookings per second,
with the servers' data in memory. With data on disk every step waits for a flush, which can take hundreds of milliseconds.

| bookings per second, data | p50 | p99 | longest |
| :--- | ---: | ---: | ---: |
${rows.join('\n')}
`;
}

function judge(perSecond: readonly number[], latencies: readonly Latency[]): void {
  const p99Ms = latencies.findLast(({ rate }) => rate === BAR.rate)?.p99Ms ?? Number.NaN;
  if (median(perSecond) >= BAR.relayPerSecond && p99Ms < BAR.p99Ms) return;
  throw new LocalError(`Missed the target of ${BAR.relayPerSecond} messages per second and a p99 of ${BAR.p99Ms} ms.`);
}

await runScript(main);

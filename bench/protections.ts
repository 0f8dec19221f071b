/**
 * npm run bench:protections
 *
 * Measures the cost of authentication and limits for each request. It compares gateways with both limits, without rate
 * limits, without query limits and without both, on the same subgraphs. It also measures each part alone, in this
 * process. The gateway's processor time per request is more exact than the throughput, because the other processes
 * share the machine. Writes docs/benchmarks/protections.md.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSchema, parse, specifiedRules, validate } from 'graphql';
import { createAuthenticator } from '#platform/identity/identity.ts';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import type { Secrets } from '#scripts/local/secrets.ts';
import { createServices } from '#scripts/local/services/services.ts';
import { root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SUBGRAPHS } from '#services';
import { type Buyer, signInMany } from '#tests/support/buyers.ts';
import { readGatewayConfig } from '../gateway/config.ts';
import { costOf, createQueryLimits } from '../gateway/limits/query-limits.ts';
import { requiredEnv } from '../gateway/testing/credentials.ts';
import { createPoster } from './support/http-booking.ts';
import { measure, type Result } from './support/load.ts';
import { BENCH_ENV, startBenchSystem, withDataDir } from './support/system.ts';
import { makeEvents } from './support/variants.ts';

const VARIANTS = {
  'neither limit': { RATE_LIMITS: 'off', LIMITS: 'off' },
  'query limits': { RATE_LIMITS: 'off', LIMITS: 'on' },
  'rate limits': { RATE_LIMITS: 'on', LIMITS: 'off' },
  'both, as shipped': { RATE_LIMITS: 'on', LIMITS: 'on' },
} as const;
const ROUNDS = 7;
const CONCURRENCY = 32;
const WARM_UP_MS = 1_000;
const DURATION_MS = 3_000;
/** Long enough for V8 to compile the hot code of a gateway. */
const COMPILE_MS = 8_000;
const USERS = 200;
const REPORT_FILE = 'docs/benchmarks/protections.md';

const SEATS = `query Seats($id: ID!) { event(id: $id) { name startsAt totalSeats availableSeats } }`;
const PARTS_RUNS = 3_000;

interface Gateway {
  readonly label: string;
  readonly url: string;
}

interface Sample {
  readonly label: string;
  readonly perSecond: number;
  readonly cpuUs: number;
}

async function compare(dataDir: string, started: AsyncDisposableStack): Promise<void> {
  const system = await startBenchSystem({ dataDir, started, names: SUBGRAPHS });
  const { servers, secrets, ports, admin } = system;
  const gateways: Gateway[] = [];
  for (const [index, [label, switches]] of Object.entries(VARIANTS).entries()) {
    const { port } = await freePorts(['port']);
    // Production mode refuses to start without limits. Its other differences do not affect these requests.
    const env = { ...process.env, ...BENCH_ENV, ...switches, NODE_ENV: 'test' };
    const gateway = createServices({
      ...servers,
      dataDir,
      secrets,
      env,
      ports: { ...ports, gateway: port },
      prefix: `${index}-`,
    });
    started.defer(gateway.stop);
    gateway.start('gateway');
    await tellStep(`Gateway with ${label}`, () => gateway.waitUntilReady());
    gateways.push({ label, url: `http://127.0.0.1:${port}` });
  }
  const buyers = await signInMany(USERS, secrets);
  const events = await makeEvents(servers.databaseUrls.booking, 20, 1_000);
  await admin.batch(
    `INSERT INTO event_db.events (id, name, starts_at, status, organizer_id, initial_seats, version, created_at, updated_at)
     VALUES (?, 'Concert', '2030-01-01', 'SCHEDULED', ?, 1000, 1, NOW(3), NOW(3))`,
    events.map((id) => [id, id]),
  );

  for (const gateway of gateways) {
    await tellStep(`Warming up, ${gateway.label}`, () => sample(gateway, { buyers, events, durationMs: COMPILE_MS }));
  }
  const samples: Sample[] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (const gateway of gateways) {
      const title = `Round ${round}, ${gateway.label}`;
      samples.push(
        await tellStep(
          title,
          () => sample(gateway, { buyers, events, durationMs: DURATION_MS }),
          ({ cpuUs }) => `${Math.round(cpuUs)} us`,
        ),
      );
    }
  }
  const text = report(samples, await parts(await signInMany(2 * PARTS_RUNS, secrets), secrets));
  writeFileSync(join(root, REPORT_FILE), text);
  await runTool('biome', ['format', '--write', REPORT_FILE]);
  console.log(`\n${text}`);
}

/** Sends queries for seats in a closed loop. Returns the throughput and the gateway's processor time per request. */
async function sample(
  { label, url }: Gateway,
  { buyers, events, durationMs }: { buyers: readonly Buyer[]; events: readonly string[]; durationMs: number },
): Promise<Sample> {
  const poster = createPoster(`${url}/graphql`, CONCURRENCY);
  let asked = 0;
  async function ask(): Promise<Result> {
    asked += 1;
    const { authorization = '' } = buyers[asked % buyers.length] ?? {};
    const id = events[asked % events.length];
    const { statusCode, text } = await poster.post({ query: SEATS, variables: { id } }, { authorization });
    return statusCode === 200 && text.includes('"availableSeats":') && !text.includes('"errors"')
      ? 'confirmed'
      : 'failed';
  }
  await measure(ask, { concurrency: CONCURRENCY, warmUpMs: WARM_UP_MS, durationMs: 1 });
  const [beforeUs, askedBefore] = [await cpuUsOf(url), asked];
  const { throughput, failed } = await measure(ask, { concurrency: CONCURRENCY, warmUpMs: 0, durationMs });
  const cpuUs = ((await cpuUsOf(url)) - beforeUs) / (asked - askedBefore);
  await poster.close();
  if (failed > 0) throw new Error(`${failed} requests failed with ${label}.`);
  return { label, perSecond: throughput, cpuUs };
}

async function cpuUsOf(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total\S* (\S+)/m.exec(metrics)?.[1]) * 1_000_000;
}

/** Measures each part alone. Returns microseconds per call. */
async function parts(buyers: readonly Buyer[], { publicKeys }: Secrets) {
  const sdl = readFileSync(join(root, 'gateway/supergraph.graphql'), 'utf8');
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  const { options } = createQueryLimits(readGatewayConfig({ ...requiredEnv }));
  const document = parse(SEATS);
  const [operation] = document.definitions;
  const names = { issuer: 'event-booking-system', audience: 'event-booking-system' };
  const authenticate = createAuthenticator({ ...names, publicKeys });
  let next = 0;
  if (operation?.kind !== 'OperationDefinition') throw new Error('The document has no operation.');
  return {
    'verify a token for the first time': await timeUs(() => authenticate(buyers[next++]?.authorization)),
    'verify a token that is known': await timeUs(() => authenticate(buyers[0]?.authorization)),
    'parse and validate a new document': await timeUs(() => validate(schema, parse(SEATS), specifiedRules)),
    'the same with the limits': await timeUs(() => {
      const limited = parse(SEATS, options.parseOptions);
      return [validate(schema, limited, specifiedRules), validate(schema, limited, options.validationRules)];
    }),
    'cost of a known document': await timeUs(() => costOf({ schema, document, operation, variables: { id: 'x' } })),
  };
}

async function timeUs(work: () => unknown): Promise<number> {
  for (let run = 0; run < PARTS_RUNS; run += 1) await work();
  const startedAtMs = performance.now();
  for (let run = 0; run < PARTS_RUNS; run += 1) await work();
  return ((performance.now() - startedAtMs) / PARTS_RUNS) * 1_000;
}

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;

function report(samples: readonly Sample[], partsUs: Record<string, number>): string {
  const of = (label: string, value: (one: Sample) => number) =>
    median(samples.filter((one) => one.label === label).map(value));
  const labels = Object.keys(VARIANTS);
  const base = of(labels[0] ?? '', ({ cpuUs }) => cpuUs);
  const rows = labels.map((label) => {
    const cpuUs = of(label, (one) => one.cpuUs);
    const perSecond = Math.round(of(label, (one) => one.perSecond)).toLocaleString('en-US');
    return `| ${label} | ${cpuUs.toFixed(0)} us | ${(cpuUs - base).toFixed(0)} us | ${perSecond} |`;
  });
  const partRows = Object.entries(partsUs).map(([part, us]) => `| ${part} | ${us.toFixed(1)} us |`);
  return `# The cost of authentication and limits per request

${cpus().length} cores, Node ${process.versions.node}; servers, services and load on one machine. Made by
\`npm run bench:protections\`. Signed-in users read an event and its seats from two subgraphs, ${CONCURRENCY} requests at a
time. The figures are the median of ${ROUNDS} rounds. Each round measures every gateway.

| gateway with | its processor time per request | more than with neither limit | requests per second |
| --- | ---: | ---: | ---: |
${rows.join('\n')}

This table shows each part alone, on the same document. Each process verifies a token once and caches the result until
the token expires. It parses and validates a document once and caches it while it is used.

| part | time |
| --- | ---: |
${partRows.join('\n')}
`;
}

await runScript(() => withDataDir(tmpdir(), compare));

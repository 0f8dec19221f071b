/**
 * npm run bench:gateway [-- pattern of the lines to run, like "a page.*Hive"]
 *
 * Compares our gateway with plain @apollo/gateway, Hive Gateway, Mercurius and Grafbase in front of the same three
 * subgraphs, which answer from memory: operations per second, and the processor time of the gateway for each operation.
 * The gateways take turns in each of BENCH_ROUNDS rounds (5), for BENCH_DURATION_MS (3,000) each.
 * npm installs the others into .data/bench. A gateway that cannot be installed or started is skipped.
 * A run without a pattern writes docs/benchmarks/gateways.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { freePorts } from '#scripts/local/processes/ports.ts';
import { recordedPids, startProcess, tailOf } from '#scripts/local/processes/processes.ts';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { createSecrets } from '#scripts/local/secrets.ts';
import { startServers } from '#scripts/local/servers/servers.ts';
import { createServices } from '#scripts/local/services/services.ts';
import { LocalError, portVariable, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { eachOf, SUBGRAPHS } from '#services';
import {
  APOLLO,
  installGateway,
  OTHERS,
  type OtherGateway,
  type Place,
  startGateway,
} from './support/gateways/gateways.ts';
import { composeGraph, GRAPH, OPERATIONS, type Question } from './support/gateways/graph.ts';
import { createPoster } from './support/http-booking.ts';
import type { Result } from './support/load.ts';
import { cpu, machine, number, table, time, times } from './support/report.ts';
import { ratioOver, readSchedule, type Sample, summarize, takeSample, warmUp } from './support/rounds.ts';
import { BENCH_ENV, withDataDir } from './support/system.ts';

const CONCURRENCY = 64;
const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 5_000;
const REPORT_FILE = 'docs/benchmarks/gateways.md';
const { rounds, durationMs } = readSchedule({ rounds: 5, durationMs: 3_000 });

interface Gateway {
  /** The name of its process. */
  readonly name: string;
  readonly title: string;
  readonly client: ReturnType<typeof createPoster>;
}

interface Row {
  readonly operation: string;
  readonly gateway: Gateway;
  readonly samples: Sample[];
}

async function compare(dataDir: string, started: AsyncDisposableStack, pattern: string | undefined): Promise<void> {
  const { gateways, leftOut } = await startGateways(dataDir, started);
  const isWanted = new RegExp(pattern ?? '');
  const rows: Row[] = Object.keys(OPERATIONS)
    .flatMap((operation) => gateways.map((gateway) => ({ operation, gateway, samples: [] })))
    .filter(({ operation, gateway }) => isWanted.test(`${operation}: ${gateway.title}`));
  const pids = recordedPids(dataDir);
  for (const row of rows) {
    await tellStep(`Warming up: ${titleOf(row)}`, () => warmUp({ ask: asker(row) }, CONCURRENCY));
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const row of rows) {
      const sample = await tellStep(
        `Round ${round}, ${titleOf(row)}`,
        () => takeSample({ ask: asker(row) }, { concurrency: CONCURRENCY, durationMs, pids }),
        ({ throughput }) => `${Math.round(throughput)}/s`,
      );
      row.samples.push(sample);
    }
  }
  const text = report(rows, leftOut);
  if (pattern === undefined) {
    writeFileSync(join(root, REPORT_FILE), text);
    await runTool('biome', ['format', '--write', REPORT_FILE]);
  }
  console.log(`\n${text}`);
}

const titleOf = ({ operation, gateway }: Row) => `${operation}: ${gateway.title}`;

/** Starts the subgraphs and all gateways. Returns the gateways that answer correctly, plain @apollo/gateway first. */
async function startGateways(dataDir: string, started: AsyncDisposableStack) {
  const subgraphPorts = await freePorts(GRAPH);
  const subgraphs = startProcess({
    name: 'subgraphs',
    command: process.execPath,
    args: [join(root, 'bench/support/gateways/subgraphs.ts')],
    env: { ...process.env, ...portsEnv(subgraphPorts), NODE_ENV: 'production' },
    dataDir,
  });
  started.defer(() => subgraphs.stop(STOP_GRACE_MS));
  const supergraphFile = join(dataDir, 'supergraph.graphql');
  writeFileSync(supergraphFile, composeGraph(subgraphPorts));

  const gateways: Gateway[] = [];
  const leftOut: string[] = [];
  const start = async (title: string, work: () => Promise<Gateway>) => gateways.push(await tellStep(title, work));
  const startOther = async (other: OtherGateway) => {
    const { port } = await freePorts(['port']);
    return startOne(other, { dataDir, supergraphFile, subgraphPorts, port }, started);
  };
  await start(APOLLO.title, () => startOther(APOLLO));
  await start('our gateway', () => startOurs({ dataDir, supergraphFile, subgraphPorts }, started));
  for (const other of OTHERS) {
    try {
      await start(other.title, () => startOther(other));
    } catch (error) {
      if (!(error instanceof LocalError)) throw error;
      const [reason] = error.message.split('\n');
      console.log(`    ${other.title} is skipped: ${reason}`);
      leftOut.push(other.title);
    }
  }
  return { gateways, leftOut };
}

const portsEnv = (ports: Record<(typeof GRAPH)[number], number>) =>
  Object.fromEntries(GRAPH.map((name) => [portVariable(name), String(ports[name])]));

/**
 * Installs and starts one of the other gateways.
 * @throws LocalError when this fails, or when the gateway does not answer correctly
 */
async function startOne(other: OtherGateway, place: Place, started: AsyncDisposableStack): Promise<Gateway> {
  const folder = await installGateway(other, place.dataDir);
  const running = startGateway(other, folder, place);
  started.defer(() => running.stop(STOP_GRACE_MS));
  const gateway = { name: other.name, title: other.title, client: clientOf(place.port, started) };
  try {
    await waitForAnswers(gateway, () => running.ended);
  } catch (error) {
    await running.stop(STOP_GRACE_MS);
    throw error instanceof LocalError ? new LocalError(`${error.message}\n${tailOf(running.logFile)}`) : error;
  }
  return gateway;
}

/** Starts our gateway as shipped, but without rate limits, with its own Redis. */
async function startOurs(
  { dataDir, supergraphFile, subgraphPorts }: Omit<Place, 'port'>,
  started: AsyncDisposableStack,
): Promise<Gateway> {
  const { gateway: port, ...ports } = await freePorts(['gateway', 'mysql', 'redis', 'nats'] as const);
  // It needs neither a database nor a broker.
  const given = {
    databaseUrls: eachOf(SUBGRAPHS, () => 'mysql://nobody@127.0.0.1:1/none'),
    natsUrl: 'nats://127.0.0.1:1',
  };
  const servers = await startServers({ dataDir, ports, given, step: tellStep });
  started.defer(servers.stop);
  const services = createServices({
    ...servers,
    dataDir,
    secrets: await createSecrets(''),
    // The graph has no notification subgraph. The gateway asks the user subgraph instead whether it is ready.
    ports: { ...subgraphPorts, notification: subgraphPorts.user, gateway: port },
    env: { ...process.env, ...BENCH_ENV, SUPERGRAPH_PATH: supergraphFile },
  });
  started.defer(services.stop);
  services.start('gateway');
  await services.waitUntilReady();
  const gateway = { name: 'gateway', title: 'our gateway', client: clientOf(port, started) };
  await waitForAnswers(gateway, () => undefined);
  return gateway;
}

function clientOf(port: number, started: AsyncDisposableStack) {
  const client = createPoster(`http://127.0.0.1:${port}/graphql`, CONCURRENCY);
  started.defer(() => void client.close());
  return client;
}

/** Waits until a gateway answers each operation as expected. @throws LocalError after the time limit */
async function waitForAnswers({ title, client }: Gateway, whyEnded: () => string | undefined): Promise<void> {
  const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
  for (const [operation, questionFor] of Object.entries(OPERATIONS)) {
    const { body, expected } = questionFor(1);
    for (;;) {
      const answer = await client.post(body).catch((error: Error) => ({ statusCode: 0, text: error.message }));
      if (isExpected(answer, expected)) break;
      const ended = whyEnded();
      if (ended !== undefined) throw new LocalError(`it ended with ${ended}.`);
      if (Date.now() > giveUpAtMs) throw new LocalError(`${title} answered to ${operation}: ${answer.text}`);
      await delay(200);
    }
  }
}

function isExpected({ statusCode, text }: { statusCode: number; text: string }, data: Question['expected']): boolean {
  return statusCode === 200 && text.startsWith('{') && isDeepStrictEqual(JSON.parse(text), { data });
}

/** Returns a function that requests a random event. Answers with errors or a status other than 200 have failed. */
function asker({ operation, gateway: { client } }: Row): () => Promise<Result> {
  const questionFor = OPERATIONS[operation];
  if (questionFor === undefined) throw new Error(`There is no operation ${operation}.`);
  const questions = Array.from({ length: 1_000 }, (_, index) => questionFor(index));
  return async () => {
    const question = questions[Math.floor(Math.random() * questions.length)];
    const { statusCode, text } = await client.post(question?.body);
    return statusCode === 200 && !text.includes('"errors"') ? 'confirmed' : 'failed';
  };
}

function report(rows: readonly Row[], leftOut: readonly string[]): string {
  const sections = Object.keys(OPERATIONS).flatMap((operation) => {
    const own = rows.filter((row) => row.operation === operation);
    const base = own.find(({ gateway }) => gateway.name === APOLLO.name)?.samples ?? [];
    const lines = own.map(({ gateway, samples }) => {
      const { throughput, p50Ms, p99Ms, failed, cpuMs } = summarize(samples);
      const ratio = times(ratioOver(base, samples));
      const cpuMsEach = cpuMs[gateway.name] ?? Number.NaN;
      return [gateway.title, number(throughput), ratio, time(p50Ms), time(p99Ms), number(failed), cpu(cpuMsEach)];
    });
    const head = ['', 'per second', 'over @apollo/gateway', 'p50', 'p99', 'failed', 'its CPU per operation, ms'];
    return own.length === 0
      ? []
      : [`## ${operation.replace(/^./, (first) => first.toUpperCase())}`, table(head, lines)];
  });
  const missing =
    leftOut.length === 0 ? '' : ` These gateways are missing because they could not be started: ${leftOut.join(', ')}.`;
  return `# Gateways in comparison

${machine()}. Made by
\`npm run bench:gateway\` on ${new Date().toISOString().slice(0, 10)}: the medians of ${rounds} rounds of ${durationMs / 1_000} s, in which the
gateways took turns, with ${CONCURRENCY} requests at a time. All rows come from one run, so compare the ratios.

The gateways stand in front of the same three subgraphs, which answer from memory. They also answer the
batches of our gateway, as our subgraphs do. Ours runs as it is shipped, with its limits, except that the rate of requests is not limited. The others run with their defaults; Grafbase is its
development server, the only one on npm. Before the measurement the answers of every gateway were compared with the expected
ones.${missing}

${sections.join('\n\n')}
`;
}

await runScript(() => withDataDir(tmpdir(), (dataDir, started) => compare(dataDir, started, process.argv[2])));

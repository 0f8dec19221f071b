import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { differenceBetween, type Observation } from '#platform/testing/compare-answers.ts';
import { SUBGRAPHS } from '#services';
import type { RandomRequest } from './random-request.ts';
import { createRandomSubgraph, type Fault } from './random-subgraph.ts';
import type { Behaviour } from './stand-in.ts';
import { startTestGateway } from './test-gateway.ts';

/** The executor of an operation, or nobody if it was refused. */
export type Way = 'package' | 'ours, after Apollo Server' | 'ours, without Apollo Server' | 'nobody';

/** Each request is sent this often: the first time, again, and as a known document. */
const TIMES = 4;
/** The share of the subgraphs' answers that are changed into faulty ones. */
const FAULT_CHANCE = 0.25;
/** Headers that differ from one request to the next. */
const OWN_HEADERS = ['date', 'x-request-id', 'content-length', 'x-time-left-ms', 'host', 'connection', 'keep-alive'];
/** Faults after which the gateway may be unable to request an entity. */
const KEY_FAULTS: ReadonlySet<Fault> = new Set<Fault>([
  'missing key',
  'missing id',
  'missing __typename',
  'wrong __typename',
  'wrong value',
  'one in a list',
  'other length',
]);

/** The input of a comparison. */
export interface Run {
  readonly seed: number;
  readonly requests: readonly RandomRequest[];
  readonly env: NodeJS.ProcessEnv;
  /** Returns the number of requests that Apollo Server has received. */
  readonly apolloRequests: () => number;
  /** Alters the behaviour of each subgraph. */
  readonly alter?: (behave: Behaviour) => Behaviour;
}

type Observed = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['observe']>>;

/**
 * Sends each request several times to a gateway over random subgraphs, and compares every answer with the first one.
 * Returns the differences, the number of executions by each executor, the refusals, and the number of tolerated error
 * paths.
 */
export async function compareWays(run: Run) {
  const { observe, receivedBy, faultsOf, refusals, stop } = await start(run);
  try {
    const answers: Observed[][] = [];
    for (const request of run.requests) {
      if (request.prelude) await observe(request.prelude);
      const same: Observed[] = [];
      for (let time = 0; time < TIMES; time += 1) same.push(await observe(request));
      answers.push(same);
    }
    const received = receivedBy();
    const complete = ({ requestId, observation }: Observed): Observation => ({
      ...observation,
      received: (received.get(requestId) ?? []).sort(),
    });
    const ways: Partial<Record<Way, number>> = {};
    const differences: object[] = [];
    let tolerated = 0;
    for (const [index, [first, ...later]] of answers.entries()) {
      if (first === undefined) continue;
      const expected = complete(first);
      const faults = faultsOf(first.requestId);
      const toleratesPaths = first.way === 'package' && faults.some((fault) => KEY_FAULTS.has(fault));
      for (const { way } of [first, ...later]) ways[way] = (ways[way] ?? 0) + 1;
      for (const answered of later) {
        const actual = complete(answered);
        const difference = differenceBetween(expected, actual);
        if (difference === undefined) continue;
        if (toleratesPaths && differenceBetween(expected, actual, { toleratesPaths }) === undefined) tolerated += 1;
        else {
          const request = run.requests[index];
          const taken = [first.way, answered.way];
          differences.push({ difference, seed: run.seed, index, request, ways: taken, faults, expected, actual });
        }
      }
    }
    return { ways, differences, tolerated, refusals: await refusals() };
  } finally {
    await stop();
  }
}

/** Starts a gateway over random subgraphs. Returns it with a client that observes the results of a request. */
async function start({ seed, env, apolloRequests, alter = (behave) => behave }: Run) {
  const faults = new Map<string, Fault[]>();
  const onFault = (requestId: string, fault: Fault) =>
    void faults.set(requestId, [...(faults.get(requestId) ?? []), fault]);
  const subgraphs = SUBGRAPHS.map(
    (name) => [name, alter(createRandomSubgraph({ name, seed, faultChance: FAULT_CHANCE, onFault }))] as const,
  );
  const gateway = await startTestGateway(Object.fromEntries(subgraphs), env);
  const pool = new Pool(gateway.url, { connections: 1 });
  let sent = 0;

  const refusals = () => gateway.counted('gateway_refusals_total');
  const executions = () => gateway.counted('gateway_executions_total');
  const counters = async () => ({ ...(await refusals()), ...(await gateway.counted('gateway_emptied_fields_total')) });

  async function observe({ method, path, headers, body }: RandomRequest) {
    const requestId = `request-${sent++}`;
    const before = { counters: await counters(), executions: await executions(), apollo: apolloRequests() };
    const logged = gateway.logs.length;
    const response = await pool.request({
      method,
      path,
      headers: { ...headers, 'x-request-id': requestId },
      body: body ?? null,
    });
    const text = await response.body.text();
    const lines = () =>
      gateway.logs.slice(logged).filter((line) => line.requestId === undefined || line.requestId === requestId);
    // The log line of the request is written after its answer.
    while (!lines().some(({ msg }) => msg === 'request')) await delay(1);
    const observation: Observation = {
      status: response.statusCode,
      headers: withoutOwn(response.headers),
      // The landing page has another nonce each time.
      text: text.replaceAll(/[\da-f]{64}/g, 'a nonce'),
      received: [],
      logs: lines()
        .map(({ level, msg }) => `${level} ${msg}`)
        .sort(),
      counted: grown(before.counters, await counters()),
    };
    const way = wayOf(grown(before.executions, await executions()), apolloRequests() > before.apollo);
    return { requestId, observation, way };
  }

  /** Returns the requests that all subgraphs received, by the id of the client's request. */
  function receivedBy(): Map<string, string[]> {
    const received = new Map<string, string[]>();
    for (const name of SUBGRAPHS) {
      for (const { headers, ...fetch } of gateway.standIns[name].received) {
        const requestId = String(headers['x-request-id']);
        const line = JSON.stringify({ name, ...fetch, headers: withoutOwn(headers) });
        received.set(requestId, [...(received.get(requestId) ?? []), line]);
      }
    }
    return received;
  }

  return {
    observe,
    receivedBy,
    refusals,
    faultsOf: (requestId: string) => faults.get(requestId) ?? [],
    async stop() {
      await pool.close();
      await gateway.stop();
    },
  };
}

const withoutOwn = (headers: object) =>
  Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => !OWN_HEADERS.includes(name))
      .sort(),
  );

const grown = (before: Record<string, number>, after: Record<string, number>) =>
  Object.fromEntries(
    Object.entries(after)
      .map(([name, value]) => [name, value - (before[name] ?? 0)] as const)
      .filter(([, growth]) => growth !== 0),
  );

function wayOf(executed: Record<string, number>, wasApolloAsked: boolean): Way {
  if (executed.library) return 'package';
  if (executed.own) return wasApolloAsked ? 'ours, after Apollo Server' : 'ours, without Apollo Server';
  return 'nobody';
}

import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { Observation } from '#platform/testing/compare-answers.ts';
import { SUBGRAPHS, type SubgraphName } from '#services';
import type { Behaviour } from './stand-in.ts';
import { startTestGateway } from './test-gateway.ts';

/** The executor of an operation, or nobody if it was refused. */
export type Way = 'package' | 'ours, after Apollo Server' | 'ours, without Apollo Server' | 'nobody';

/** A request to the gateway. */
export interface ObservedRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface Observed {
  readonly requestId: string;
  /** Without the requests to subgraphs. `receivedBy` returns them. */
  readonly observation: Observation;
  readonly way: Way;
}

/** Headers that differ from one request to the next. */
const OWN_HEADERS = ['date', 'x-request-id', 'content-length', 'x-time-left-ms', 'host', 'connection', 'keep-alive'];

/**
 * Log messages that come at any time, whatever the request: the gateway of a test has no broker, and an outage is over
 * some seconds after its last failure.
 */
const AT_ANY_TIME = ['the broker cannot be used; retrying', 'the subgraph answers again'];

/** Starts a gateway over stand-ins with a client that observes the results of each request. */
export async function observeGateway({
  behaviours,
  env,
  apolloRequests,
}: {
  behaviours: Readonly<Record<SubgraphName, Behaviour>>;
  env: NodeJS.ProcessEnv;
  /** Returns the number of requests that Apollo Server has received. */
  apolloRequests: () => number;
}) {
  const gateway = await startTestGateway(behaviours, env);
  const pool = new Pool(gateway.url, { connections: 1 });
  let sent = 0;

  const refusals = () => gateway.counted('gateway_refusals_total');
  const executions = () => gateway.counted('gateway_executions_total');
  const counters = async () => ({ ...(await refusals()), ...(await gateway.counted('gateway_emptied_fields_total')) });

  async function observe({ method, path, headers, body }: ObservedRequest): Promise<Observed> {
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
      gateway.logs
        .slice(logged)
        .filter((line) => line.requestId === undefined || line.requestId === requestId)
        .filter(({ msg }) => !AT_ANY_TIME.includes(msg));
    // The log line of the request is written after its answer.
    while (!lines().some(({ msg }) => msg === 'request')) await delay(1);
    const observation: Observation = {
      status: response.statusCode,
      headers: withoutOwn(response.headers),
      // The landing page has another nonce each time.
      text: text.replaceAll(/[\da-f]{64}/g, 'a nonce'),
      received: [],
      logs: lines()
        // An outage is a warning only for the first request that notices it, see createOutageLog.
        .map(({ level, msg }) => `${level.replace('debug', 'warn')} ${msg}`)
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

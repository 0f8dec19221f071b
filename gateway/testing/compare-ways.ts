import { differenceBetween, type Observation } from '#platform/testing/compare-answers.ts';
import { eachOf, SUBGRAPHS } from '#services';
import { type Observed, observeGateway, type Way } from './observe-gateway.ts';
import type { RandomRequest } from './random-request.ts';
import { createRandomSubgraph, type Fault } from './random-subgraph.ts';
import type { Behaviour } from './stand-in.ts';

/** Each request is sent this often: the first time, again, and as a known document. */
const TIMES = 4;
/** The share of the subgraphs' answers that are changed into faulty ones. */
const FAULT_CHANCE = 0.25;
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

/** Starts a gateway over random subgraphs, and observes its answers. */
async function start({ seed, env, apolloRequests, alter = (behave) => behave }: Run) {
  const faults = new Map<string, Fault[]>();
  const onFault = (requestId: string, fault: Fault) =>
    void faults.set(requestId, [...(faults.get(requestId) ?? []), fault]);
  const behaviours = eachOf(SUBGRAPHS, (name) =>
    alter(createRandomSubgraph({ name, seed, faultChance: FAULT_CHANCE, onFault })),
  );
  const gateway = await observeGateway({ behaviours, env, apolloRequests });
  return { ...gateway, faultsOf: (requestId: string) => faults.get(requestId) ?? [] };
}

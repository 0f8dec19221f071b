/**
 * npm run bench:heap
 *
 * Measures the heaps of the gateway and the subgraphs while they answer 5,000 different documents in turn. Each document
 * is sent often enough to be compiled, and the caches are too small for all of them. Every 5 s each process collects its
 * garbage and tells the size of the rest. Fails when a heap grows by more than GROWTH_MAX. Writes docs/benchmarks/heap.md.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tellStep } from '#scripts/local/progress.ts';
import { runScript } from '#scripts/local/run-script.ts';
import { LocalError, root } from '#scripts/local/settings.ts';
import { runTool } from '#scripts/local/tools.ts';
import { SERVICES, type ServiceName } from '#services';
import { createPoster } from './support/http-booking.ts';
import { type HeapSize, INSPECTED, type Inspector, inspect } from './support/inspector.ts';
import { createReadData, type ReadData } from './support/pages.ts';
import { machine, number, table } from './support/report.ts';
import { startBenchSystem, withDataDir } from './support/system.ts';

const DOCUMENTS = 5_000;
/** The gateway executes a document itself from the third request on, and a subgraph compiles it for the third. */
const TIMES = 4;
const CONCURRENCY = 16;
const DURATION_MS = 60_000;
const INTERVAL_MS = 5_000;
/** The number of documents between two samples of the first round. */
const FILL_STEP = 1_000;
/** The growth from the first third of the run to the last one that is still noise. */
const GROWTH_MAX = 0.1;
const MEGABYTE = 1_024 * 1_024;
const REPORT_FILE = 'docs/benchmarks/heap.md';

interface Sample {
  /** The time since the first round; undefined during it. */
  readonly atS?: number;
  readonly documents: number;
  readonly heaps: Readonly<Record<ServiceName, HeapSize>>;
}

/** Returns one of many documents with their variables. Its aliases and names differ from those of all others. */
function operationOf(index: number, { eventIds }: ReadData) {
  const id = eventIds[index % eventIds.length];
  const documents = [
    {
      query: `query Page${index}($id: ID!) {
        event(id: $id) { id name${index}: name venue startsAt seats${index}: availableSeats organizer { who${index}: name } }
      }`,
      variables: { id },
    },
    {
      query: `query Own${index}($first: Int) {
        me { name${index}: name bookings(first: $first) { nodes { id${index}: id status event { name${index}: name } } } }
      }`,
      variables: { first: 5 },
    },
    {
      query: `query Parts${index}($id: ID!, $withSeats: Boolean!) {
        event(id: $id) { name${index}: name status totalSeats @include(if: $withSeats) organizer @skip(if: $withSeats) { id } }
      }`,
      variables: { id, withSeats: index % 2 === 0 },
    },
    {
      query: `query Latest${index} {
        events(first: 3) { nodes { id name${index}: name availableSeats } pageInfo { hasNextPage end${index}: endCursor } }
      }`,
      variables: {},
    },
  ];
  return documents[index % documents.length];
}

async function measure(dataDir: string, started: AsyncDisposableStack): Promise<void> {
  const { ports, secrets, admin } = await startBenchSystem({ dataDir, started, names: SERVICES, env: INSPECTED });
  const data = await createReadData(admin, secrets);
  const inspectors = new Map<ServiceName, Inspector>();
  for (const name of SERVICES) {
    const inspector = await inspect(name, dataDir);
    started.defer(() => inspector.close());
    inspectors.set(name, inspector);
  }
  const poster = createPoster(`http://127.0.0.1:${ports.gateway}/graphql`, CONCURRENCY);
  started.defer(poster.close);

  let [next, answered, late, isOver] = [0, 0, 0, false];
  started.defer(() => {
    isOver = true;
  });
  async function caller(): Promise<void> {
    while (!isOver) {
      const index = next++;
      const { authorization = '' } = data.readers[index % data.readers.length] ?? {};
      for (let time = 0; time < TIMES; time += 1) {
        const { text } = await poster.post(operationOf(index % DOCUMENTS, data), { authorization });
        if (!text.includes('"errors"')) answered += 1;
        // A slow machine may not answer in time.
        else if (text.includes('SERVICE_UNAVAILABLE')) late += 1;
        else throw new LocalError(`A request failed: ${text}`);
      }
    }
  }

  const filling: Sample[] = [];
  const samples: Sample[] = [];
  async function sample(): Promise<Sample> {
    const entries: [ServiceName, HeapSize][] = [];
    for (const [name, inspector] of inspectors) entries.push([name, await inspector.measureHeap()]);
    return { documents: next, heaps: Object.fromEntries(entries) as Sample['heaps'] };
  }

  const callers = Promise.all(Array.from({ length: CONCURRENCY }, caller));
  // Until the first round over all documents is complete, the caches fill and the heaps must grow.
  await tellStep('First round', async () => {
    for (let documents = 0; documents <= DOCUMENTS; documents += FILL_STEP) {
      await Promise.race([callers, waitFor(() => next >= documents)]);
      filling.push(await sample());
    }
  });
  const startedAtMs = performance.now();
  await tellStep(`${DURATION_MS / 1_000} s`, async () => {
    for (let at = 0; at <= DURATION_MS; at += INTERVAL_MS) {
      await Promise.race([callers, delay(Math.max(0, startedAtMs + at - performance.now()))]);
      samples.push({ ...(await sample()), atS: Math.round((performance.now() - startedAtMs) / 1_000) });
    }
  });
  isOver = true;
  await callers;

  const text = report([...filling, ...samples], { answered, late });
  writeFileSync(join(root, REPORT_FILE), text);
  await runTool('biome', ['format', '--write', REPORT_FILE]);
  console.log(`\n${text}`);
  const grown = SERVICES.filter((name) => growthOf(samples, name) > GROWTH_MAX);
  if (grown.length > 0) throw new LocalError(`The heap grew: ${grown.join(', ')}.`);
}

async function waitFor(isDone: () => boolean): Promise<void> {
  while (!isDone()) await delay(100);
}

const median = (values: readonly number[]) =>
  values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;

/** Returns the growth of a heap after the first round, from the first third of the samples to the last, as a share. */
function growthOf(all: readonly Sample[], name: ServiceName): number {
  const samples = all.filter(({ atS }) => atS !== undefined);
  const third = Math.floor(samples.length / 3);
  const sizeOf = (part: readonly Sample[]) => median(part.map(({ heaps }) => heaps[name].usedBytes));
  return sizeOf(samples.slice(-third)) / sizeOf(samples.slice(0, third)) - 1;
}

function report(samples: readonly Sample[], { answered, late }: { answered: number; late: number }): string {
  const megabytes = (bytes: number) => (bytes / MEGABYTE).toFixed(1);
  const rows = samples.map(({ atS, documents, heaps }) => [
    atS === undefined ? 'first round' : `${atS} s`,
    number(documents),
    ...SERVICES.map((name) => megabytes(heaps[name].usedBytes)),
  ]);
  const growth = SERVICES.map((name) => `${(growthOf(samples, name) * 100).toFixed(1)} %`);
  const rss = SERVICES.map((name) => megabytes(samples.at(-1)?.heaps[name].rssBytes ?? Number.NaN));
  return `# The heaps under ${number(DOCUMENTS)} different documents

${machine()}. Made by
\`npm run bench:heap\`. ${CONCURRENCY} clients send ${number(DOCUMENTS)} different documents in turn, each ${TIMES} times: pages of one event,
own bookings, lists, and documents with @skip and @include. Together they are larger than the caches of documents and of
compiled operations. In the first round the caches fill. Then the clients continue for ${DURATION_MS / 1_000} s. The gateway answered
${number(answered)} requests in time and ${number(late)} too late. The figures are the heap after garbage collection, in MB.

${table(
  ['', 'documents sent', ...SERVICES],
  [...rows, ['from the first third to the last', '', ...growth], ['resident memory at the end', '', ...rss]],
)}
`;
}

await runScript(() => withDataDir(tmpdir(), measure));

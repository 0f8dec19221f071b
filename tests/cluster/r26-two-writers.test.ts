import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BookingProcess, createBookingProcess } from '../support/booking-process.ts';
import { type Buyer, signInMany } from '../support/buyers.ts';
import { createEvent, signUp } from '../support/client.ts';
import { connectTo, expectNothingLostNorDoubled } from '../support/invariants.ts';
import { createRandom, eachOfMany } from '../support/random.ts';
import { type Cluster, startCluster } from './support/cluster.ts';
import { conflictsOf } from './support/galera.ts';

const SEATS = 400;
const BUYERS = 600;
const AT_ONCE = 60;
const TRIES_MAX = 20;

describe('R26: two booking processes write to two database nodes at once', () => {
  const random = createRandom(26);
  let cluster: Cluster;
  let processes: BookingProcess[];
  let buyers: Buyer[];
  beforeAll(async () => {
    cluster = await startCluster();
    processes = [await processAt(0), await processAt(1)];
    buyers = await signInMany(BUYERS, cluster.system.secrets);
  });
  afterAll(async () => {
    await Promise.all((processes ?? []).map((process) => process.close()));
    await cluster?.stop();
  });

  /** Starts a booking process that uses one node without the load balancer. */
  async function processAt(node: number): Promise<BookingProcess> {
    const { system, galera } = cluster;
    const databaseUrl = Object.assign(new URL(system.databaseUrls.booking), { port: galera.nodes[node]?.port }).href;
    return createBookingProcess(
      await system.startReplica('booking', { databaseUrl }),
      system.secrets.subgraphs.booking,
    );
  }

  /** Sends a booking until it has an answer, each time to the other process. Returns the number of tries as well. */
  async function bookAnywhere(buyer: Buyer, input: { eventId: string; seatCount: number; idempotencyKey: string }) {
    const first = Math.floor(random() * processes.length);
    for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
      const answer = await (processes[(first + tries) % processes.length] as BookingProcess).book(buyer, input);
      if (answer.outcome !== 'unknown') return { answer, tries };
    }
    throw new Error(`no answer in ${TRIES_MAX} tries`);
  }

  /** Lets all buyers book the same event and cancel some bookings. Returns the bookings by id. */
  async function sell(eventId: string) {
    const booked = new Map<string, { seatCount: number; isCancelled: boolean }>();
    let retries = 0;
    await eachOfMany(buyers, AT_ONCE, async (buyer, index) => {
      const input = { eventId, seatCount: 1 + Math.floor(random() * 3), idempotencyKey: `${eventId}-${index}` };
      const { answer, tries } = await bookAnywhere(buyer, input);
      retries += tries - 1;
      if (answer.outcome !== 'booked') return expect(answer).toMatchObject({ code: 'SOLD_OUT' });
      const booking = { seatCount: input.seatCount, isCancelled: false };
      booked.set(answer.bookingId, booking);
      if (random() < 0.2)
        booking.isCancelled = await (processes[index % 2] as BookingProcess).cancel(buyer, answer.bookingId);
    });
    const seats = [...booked.values()].reduce((sum, one) => sum + (one.isCancelled ? 0 : one.seatCount), 0);
    return { ids: [...booked.keys()], seats, retries };
  }

  it('never oversells, and one key has one booking', async ({ annotate }) => {
    const { system, galera } = cluster;
    const ada = await signUp(system.graphqlUrl);
    const eventId = await createEvent(ada, { totalSeats: SEATS });
    const startedAtMs = performance.now();
    const { ids, seats, retries } = await sell(eventId);
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    expect(seats).toBeLessThanOrEqual(SEATS);
    expect(ids.length).toBeGreaterThan(SEATS / 4);

    const other = await createEvent(ada, { totalSeats: SEATS });
    const pairs = await eachOfMany(buyers.slice(0, SEATS / 4), AT_ONCE / 2, (buyer, index) => {
      const input = { eventId: other, seatCount: 1, idempotencyKey: `at-both-${index}` };
      return Promise.all([bookAnywhere(buyer, input), bookAnywhere(buyer, input)]);
    });
    const idOf = ({ answer }: (typeof pairs)[number][0]) => ('bookingId' in answer ? answer.bookingId : answer);
    for (const [one, two] of pairs) expect(idOf(one)).toEqual(idOf(two));

    const byNode = await Promise.all(galera.nodes.map(conflictsOf));
    const conflicts = byNode.reduce((sum, one) => sum + one);
    await annotate(
      `${BUYERS} buyers served in ${seconds} s, ${retries} unknown answers, conflicts by node: ${byNode.join(', ')}`,
    );
    // Each conflict ends a batch of several requests. Without repetitions by the process they would all lack an answer.
    expect(conflicts).toBeGreaterThan(0);
    expect(retries).toBeLessThan(BUYERS / 100);
    await expectNothingLostNorDoubled(system, { acknowledged: [...ids, ...pairs.map(([one]) => String(idOf(one)))] });
  });

  it('control: oversells when a node does not replicate its writes', async () => {
    const { system, galera } = cluster;
    const eventId = await createEvent(await signUp(system.graphqlUrl), { totalSeats: SEATS });
    const admin = await connectTo(galera.nodes[1]?.url ?? '');
    await admin.query('SET GLOBAL wsrep_on = OFF');
    await admin.end();
    await processes[1]?.close();
    processes[1] = await processAt(1);
    const { seats } = await sell(eventId);
    expect(seats).toBeGreaterThan(SEATS);
  });
});

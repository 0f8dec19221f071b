import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Writes } from '../domain/draft.ts';
import type { OutcomeOf, SeatRequest } from '../domain/seat-requests.ts';
import type { BatchAllocation } from './allocate-batch.ts';
import type { Allocator } from './allocator.ts';

const BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const REASONS = { EVENT_CANCELLED: 'event-cancelled', EVENT_STARTED: 'event-started' };

/** Counts the seats of expired holds and of offers to waiting lists, whichever request causes them. */
export function measureWrites(metrics: Registry): (writes: Pick<Writes, 'ended' | 'offered'>) => void {
  const seatsExpired = new Counter({
    name: 'hold_seats_expired_total',
    help: 'Seats of holds that expired. They were given back.',
    registers: [metrics],
  });
  const seatsOffered = new Counter({
    name: 'waitlist_seats_offered_total',
    help: 'Seats that became free and were held for users of waiting lists.',
    registers: [metrics],
  });
  return ({ ended, offered }) => {
    for (const { hold } of ended) if (hold.status === 'EXPIRED') seatsExpired.inc(hold.seatCount);
    for (const { hold } of offered) seatsOffered.inc(hold.seatCount);
  };
}

/** Returns the same allocation, which measures its transactions. */
export function measureTransactions(allocation: BatchAllocation, metrics: Registry): BatchAllocation {
  const registers = [metrics];
  const batchSizes = new Histogram({
    name: 'allocator_batch_requests',
    help: 'Requests in each committed batch, with those whose event was held.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers,
  });
  const durations = new Histogram({
    name: 'allocator_transaction_duration_seconds',
    help: 'Time of the committed transactions of batches. It includes the wait for a lock.',
    buckets: BUCKETS_S,
    registers,
  });
  const failures = new Counter({
    name: 'allocator_failed_transactions_total',
    help: 'Transactions of batches that failed. Most are repeated.',
    registers,
  });

  async function measured<Outcomes extends readonly unknown[]>(run: () => Promise<Outcomes>): Promise<Outcomes> {
    const startedAtMs = performance.now();
    try {
      const outcomes = await run();
      durations.observe((performance.now() - startedAtMs) / 1_000);
      batchSizes.observe(outcomes.length);
      return outcomes;
    } catch (error) {
      failures.inc();
      throw error;
    }
  }

  return {
    allocateFree: (batch) => measured(() => allocation.allocateFree(batch)),
    allocateHeld: (eventId, take) => measured(() => allocation.allocateHeld(eventId, take)),
  };
}

/** The value of the label `outcome`: each reason of a refusal has one of its own. */
function labelOf(decided: OutcomeOf<SeatRequest>): string {
  if ('replayed' in decided && decided.replayed) return 'replayed';
  if (decided.outcome === 'hold-ended') return `hold-${decided.hold.status.toLowerCase()}`;
  if (decided.outcome === 'not-bookable') return REASONS[decided.reason];
  return decided.outcome;
}

/** Returns the same allocator, which measures its requests. This includes the business figures. */
export function measureRequests(allocator: Allocator, metrics: Registry): Allocator {
  const registers = [metrics];
  let waiting = 0;
  new Gauge({
    name: 'allocator_waiting_requests',
    help: 'Requests without a decision: they wait for a batch, for a lock, or for the commit.',
    registers,
    collect() {
      this.set(waiting);
    },
  });
  const waits = new Histogram({
    name: 'allocator_wait_seconds',
    help: 'Time from the arrival of a request until its outcome was committed.',
    buckets: BUCKETS_S,
    registers,
  });
  const outcomes = new Counter({
    name: 'allocator_outcomes_total',
    help: 'Requests by kind and outcome, such as book and sold-out. A failed request has no outcome but an error.',
    labelNames: ['kind', 'outcome'] as const,
    registers,
  });
  const seatsSold = new Counter({ name: 'seats_sold_total', help: 'Seats of new bookings.', registers });
  const seatsCheckedIn = new Counter({
    name: 'seats_checked_in_total',
    help: 'Seats that were checked in at the door.',
    registers,
  });

  async function submit<Request extends SeatRequest>(
    request: Request,
    options?: Parameters<Allocator['submit']>[1],
  ): Promise<OutcomeOf<Request>> {
    const { kind } = request;
    const startedAtMs = performance.now();
    waiting += 1;
    try {
      const decided = await allocator.submit(request, options);
      waits.observe((performance.now() - startedAtMs) / 1_000);
      outcomes.inc({ kind, outcome: labelOf(decided) });
      const isSold = decided.outcome === 'booked' || decided.outcome === 'confirmed';
      if (isSold && !decided.replayed) seatsSold.inc(decided.booking.seatCount);
      if (decided.outcome === 'checked-in' && !decided.replayed) seatsCheckedIn.inc(decided.checkIn.seats);
      return decided;
    } catch (error) {
      outcomes.inc({ kind, outcome: 'error' });
      throw error;
    } finally {
      waiting -= 1;
    }
  }
  return { submit, stop: allocator.stop };
}

import { Counter, Gauge, type Registry } from 'prom-client';
import type { Logger } from '#platform/process/logger.ts';
import { createOutageLog } from '#platform/process/outage-log.ts';
import { createPoller } from '#platform/process/poller.ts';
import { comeBackInMs, createPace, createRate, type Pace, type Queued, type Rate } from '../domain/line.ts';
import type { BookRequest, HoldRequest, OutcomeOf } from '../domain/seat-requests.ts';
import type { Entry, LineState, Lines } from '../store/lines.ts';
import type { Allocator } from './allocator.ts';
import type { PlaceOwner, Places } from './places.ts';

type Wanted = BookRequest | HoldRequest;

export interface Admission {
  /**
   * Submits a request for seats to the allocator. When too many wait for seats of its event, it returns the caller's
   * place in the line of the event instead, at once.
   * @param place the caller's place, if they have one
   * @throws SERVICE_UNAVAILABLE like the allocator
   */
  submit<Request extends Wanted>(request: Request, place?: string): Promise<OutcomeOf<Request> | Queued>;
}

/** Lets every request through. */
export const openAdmission = (allocator: Allocator): Admission => ({ submit: (request) => allocator.submit(request) });

/** What this process knows about an event that is in demand. */
interface Demand {
  /** The requests that the allocator has not decided. */
  waiting: number;
  /** The requests that wait for Redis. */
  entering: number;
  /** The requests that it has decided since the last tick. */
  decided: number;
  readonly pace: Pace;
  /** The allocator refused the last request for a reason that holds for all callers. */
  isRefused: boolean;
  line?: Line | undefined;
}

/** The line of an event at the last tick. */
interface Line {
  readonly state: LineState;
  readonly knownSinceMs: number;
  /** The turns that all processes give, and their decisions. */
  readonly turns: Rate;
  readonly decisions: Rate;
}

const TICK_MS = 200;

/**
 * Lets callers wait in a line, outside the process, while an event is in demand. An event gets a line when more than
 * `waitingMax` of its requests wait in this process. Until the line is empty, newcomers get a place in it instead of a
 * decision. Every process gives turns to the first places in the line, as many as its allocator can decide. Those who
 * come back after their turn has begun reach the allocator.
 *
 * All processes share the line in Redis, and learn once in a tick which events have one. While Redis does not answer,
 * every request goes to the allocator. The database decides about seats in any case.
 */
export function createAdmission({
  allocator,
  lines,
  places,
  waitingMax,
  logger,
  metrics,
}: {
  allocator: Allocator;
  lines: Pick<Lines, 'open' | 'enter' | 'useUp' | 'advance' | 'isHealthy'>;
  places: Places;
  waitingMax: number;
  logger: Logger;
  metrics: Registry;
}): Admission & { stop(): Promise<void> } {
  const demands = new Map<string, Demand>();
  const registers = [metrics];
  const queued = new Counter({
    name: 'admission_queued_total',
    help: 'Requests for seats that were answered with a place in a line.',
    registers,
  });
  const admitted = new Counter({
    name: 'admission_admitted_total',
    help: 'Requests for seats that reached the allocator through a line.',
    registers,
  });
  const fallbacks = new Counter({
    name: 'admission_fallbacks_total',
    help: 'Requests for seats that reached the allocator without a line because Redis did not answer.',
    registers,
  });
  new Gauge({
    name: 'admission_line_length',
    help: 'Places in the lines of all events that have not had their turn, as this process has last seen them.',
    registers,
    collect() {
      this.set(
        demands.values().reduce((sum, { line }) => sum + (line ? line.state.issued - line.state.admitted : 0), 0),
      );
    },
  });
  const outageLog = createOutageLog({
    logger,
    began: 'Redis does not keep the lines of events; bookings are admitted without them',
    over: 'Redis keeps the lines of events again',
  });
  let isRedisThere = false;
  let tickedAtMs = performance.now();

  function demandFor(eventId: string): Demand {
    const demand = demands.get(eventId) ?? {
      waiting: 0,
      entering: 0,
      decided: 0,
      pace: createPace(waitingMax),
      isRefused: false,
    };
    demands.set(eventId, demand);
    return demand;
  }

  function forgetLines(): void {
    isRedisThere = false;
    for (const demand of demands.values()) demand.line = undefined;
  }

  function redisFailed(error: unknown): void {
    forgetLines();
    outageLog.failed({ err: error });
  }

  function withoutLine(error: unknown): undefined {
    redisFailed(error);
    fallbacks.inc();
  }

  /** Returns the caller's entry in the line; undefined without a line. */
  async function enter(request: Wanted, owner: PlaceOwner, place: string | undefined): Promise<Entry | undefined> {
    const demand = demandFor(request.eventId);
    const isFull = demand.waiting >= waitingMax;
    if (demand.line === undefined && !isFull) return undefined;
    if (!isRedisThere) return withoutLine(new Error('not connected'));
    demand.entering += 1;
    try {
      const entry = await lines.enter({
        ...owner,
        key: request.idempotencyKey,
        number: place === undefined ? undefined : places.read(place, owner),
        mayOpen: isFull,
        hasRoom: demand.waiting + demand.entering <= waitingMax / 2,
      });
      if (entry === undefined) demand.line = undefined;
      else demand.line ??= newLine({ issued: entry.number, admitted: entry.admitted, decided: 0 });
      return entry;
    } catch (error) {
      return withoutLine(error);
    } finally {
      demand.entering -= 1;
    }
  }

  function queue(owner: PlaceOwner, { number, admitted }: Entry): Queued {
    const { pace, line } = demandFor(owner.eventId);
    const position = number - admitted - 1;
    const perS = Math.max(pace.perS(), line?.decisions.perS() ?? 0, line?.turns.perS() ?? 0);
    const ageMs = line === undefined ? 0 : performance.now() - line.knownSinceMs;
    const comeBackAt = new Date(Date.now() + comeBackInMs(position, { perS, ageMs, jitter: Math.random() }));
    return { outcome: 'queued', place: places.sign(number, owner), position, comeBackAt };
  }

  async function decide<Request extends Wanted>(request: Request): Promise<OutcomeOf<Request>> {
    const demand = demandFor(request.eventId);
    demand.waiting += 1;
    try {
      const outcome = await allocator.submit(request);
      demand.decided += 1;
      demand.isRefused = isForAll(outcome);
      return outcome;
    } finally {
      demand.waiting -= 1;
    }
  }

  async function advance(eventId: string, decided: number, sinceMs: number): Promise<void> {
    const demand = demandFor(eventId);
    const { waiting, pace, isRefused, line } = demand;
    const turns = isRefused ? Number.MAX_SAFE_INTEGER : pace.turnsIn(sinceMs, waiting);
    const state = await lines.advance(eventId, { turns, decided, isBusy: waiting >= waitingMax / 2 });
    if (state === undefined) {
      demand.line = undefined;
      return;
    }
    const before = line ?? newLine(state);
    if (!isRefused) before.turns.add(state.admitted - before.state.admitted, sinceMs);
    before.decisions.add(state.decided - before.state.decided, sinceMs);
    demand.line = { ...before, state };
  }

  async function tick(): Promise<boolean> {
    const sinceMs = performance.now() - tickedAtMs;
    tickedAtMs += sinceMs;
    const decided = new Map<string, number>();
    for (const [eventId, demand] of demands) {
      if (demand.line === undefined && demand.waiting + demand.entering + demand.decided === 0) demands.delete(eventId);
      if (demand.waiting > 0 || demand.decided > 0) demand.pace.add(demand.decided, sinceMs);
      decided.set(eventId, demand.decided);
      demand.decided = 0;
    }
    if (!lines.isHealthy()) {
      forgetLines();
      return false;
    }
    const open = new Set(await lines.open());
    await Promise.all([...open].map((eventId) => advance(eventId, decided.get(eventId) ?? 0, sinceMs)));
    for (const [eventId, demand] of demands) if (!open.has(eventId)) demand.line = undefined;
    isRedisThere = true;
    outageLog.succeeded();
    return false;
  }

  const ticking = createPoller({ intervalMs: TICK_MS, run: tick, onError: redisFailed });
  return {
    async submit(request, place) {
      const owner = { eventId: request.eventId, userId: request.kind === 'book' ? request.callerId : request.userId };
      const entry = await enter(request, owner, place);
      if (entry === undefined) return decide(request);
      if (entry.number > entry.admitted) {
        queued.inc();
        return queue(owner, entry);
      }
      admitted.inc();
      const outcome = await decide(request);
      if ('replayed' in outcome && !outcome.replayed) {
        void lines.useUp({ ...owner, key: request.idempotencyKey, number: entry.number }).catch(redisFailed);
      }
      return outcome;
    },
    stop: () => ticking.stop(),
  };
}

const newLine = (state: LineState): Line => ({
  state,
  knownSinceMs: performance.now(),
  turns: createRate(),
  decisions: createRate(),
});

/** True for a refusal that other callers for the event get, too. They need not wait for it. */
const isForAll = (outcome: OutcomeOf<Wanted>): boolean =>
  outcome.outcome === 'sold-out'
    ? outcome.availableSeats === 0
    : ['not-bookable', 'sales-not-started', 'sales-ended'].includes(outcome.outcome);

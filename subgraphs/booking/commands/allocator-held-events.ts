import { unavailable } from '#platform/errors/errors.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { SeatRequest } from '../domain/seat-requests.ts';
import type { BatchAllocation } from './allocate-batch.ts';

/** A waiting request, and the callbacks that answer it. */
export interface Waiting {
  readonly request: SeatRequest;
  readonly expiresAtMs: number;
  resolve(outcome: never): void;
  reject(error: unknown): void;
}

/** The waiting requests for one held event, oldest first. */
interface Group {
  readonly eventId: string;
  waiting: Waiting[];
  /** A lane or the batch is deciding some of its requests. */
  isTaken: boolean;
  /** The last attempt to decide some of its requests found the event held. */
  isHeld: boolean;
  /** The event was found held only once so far. It is tried again with the next batch, because most locks end soon. */
  isNew: boolean;
  /** A lane's last wait for the inventory timed out. */
  hasTimedOut: boolean;
}

export const BATCH_MAX = 256;
/** Leaves room in the batch for requests of other events. */
const PROBE_MAX = BATCH_MAX / 2;
const PROBE_PER_EVENT_MAX = 8;
export const PROBE_INTERVAL_MS = 50;

/**
 * Keeps the requests for held events. An event is held while another transaction has locked its inventory.
 *
 * A lane is a loop that waits for the lock of one event at a time, on its own connection, in the database's queue. The
 * queue is fair between processes. A lane takes requests only after it has the lock, so it never books an expired
 * request. Lanes prefer events whose last wait did not time out, and among these the event with the most requests.
 *
 * The batch tries the other events again ("probes" them) every PROBE_INTERVAL_MS, without waiting for their locks. An
 * event that was found held for the first time is tried again with the next batch, because another process usually
 * commits soon.
 * @param lanesMax the maximum number of lanes, and thus of waiting connections
 * @param waitingMax the maximum number of waiting requests; above it, an event only gets up to its equal share
 * @param answer decides requests without waiting for locks, and puts requests for held events back
 */
export function createHeldEvents({
  allocateHeld,
  answer,
  lanesMax,
  waitingMax,
  onFull,
}: {
  allocateHeld: BatchAllocation['allocateHeld'];
  answer: (batch: readonly Waiting[]) => Promise<void>;
  lanesMax: number;
  waitingMax: number;
  onFull: () => void;
}) {
  const groups = new Map<string, Group>();
  let lanes = 0;
  let probeAtMs = 0;

  const untaken = () => [...groups.values()].filter(({ isTaken }) => !isTaken);
  const readyForLane = () => untaken().filter(({ isNew }) => !isNew);

  function isFull({ waiting }: Group): boolean {
    if (waiting.length < waitingMax / groups.size) return false;
    const count = groups.values().reduce((sum, group) => sum + group.waiting.length, 0);
    return count >= waitingMax;
  }

  /** Opens lanes for events without a lane, up to `lanesMax` lanes. */
  function openLanes(): void {
    for (let left = readyForLane().length; left > 0 && lanes < lanesMax; left -= 1) void runLane();
  }

  async function runLane(): Promise<void> {
    lanes += 1;
    for (let group = nextForLane(); group !== undefined; group = nextForLane()) {
      group.isTaken = true;
      await waitFor(group);
      group.isTaken = false;
      if (group.waiting.length === 0) groups.delete(group.eventId);
    }
    lanes -= 1;
  }

  const nextForLane = () =>
    readyForLane()
      .sort(
        (one, other) =>
          Number(one.hasTimedOut) - Number(other.hasTimedOut) || other.waiting.length - one.waiting.length,
      )
      .at(0);

  async function waitFor(group: Group): Promise<void> {
    let taken: readonly Waiting[] = [];
    try {
      const outcomes = await allocateHeld(group.eventId, () => {
        taken = takeLive(group, BATCH_MAX);
        return taken.map(({ request }) => request);
      });
      group.hasTimedOut = false;
      for (const [index, waiting] of taken.entries()) waiting.resolve(outcomes[index] as never);
    } catch (error) {
      if (taken.length === 0 && sqlErrorNumber(error) === SQL_ERROR.lockWaitTimeout) group.hasTimedOut = true;
      else await answer(taken.length > 0 ? taken : takeLive(group, BATCH_MAX));
    }
  }

  return {
    isEmpty: () => groups.size === 0,
    /** True when an event has requests that neither a lane nor the batch is deciding. */
    hasUntaken: () => untaken().length > 0,
    /** True when an event must be tried again with the next batch. */
    hasNew: () => groups.values().some(({ isNew }) => isNew),
    /** Adds a request behind the others of its event, or refuses it when full. False if the event is not held. */
    join(waiting: Waiting): boolean {
      const group = groups.get(waiting.request.eventId);
      if (group === undefined) return false;
      if (isFull(group)) {
        onFull();
        waiting.reject(unavailable());
      } else group.waiting.push(waiting);
      return true;
    },
    /** Puts requests back whose event was found held, in front of later requests for the same event. */
    putBack(held: readonly Waiting[]): void {
      for (const [eventId, waiting] of Map.groupBy(held, ({ request }) => request.eventId)) {
        const group = groups.get(eventId);
        if (group === undefined) {
          groups.set(eventId, { eventId, waiting, isTaken: false, isHeld: true, isNew: true, hasTimedOut: false });
        } else {
          group.waiting = [...waiting, ...group.waiting];
          group.isHeld = true;
        }
      }
      openLanes();
    },
    /** Takes the requests to try again now. Events with the oldest probe come first. */
    takeProbe(nowMs: number) {
      const probed: { group: Group; waiting: Waiting[] }[] = [];
      const isDue = nowMs >= probeAtMs;
      if (isDue) probeAtMs = nowMs + PROBE_INTERVAL_MS;
      let left = PROBE_MAX;
      for (const group of untaken()) {
        if (left === 0) break;
        if (!isDue && !group.isNew) continue;
        const waiting = takeLive(group, Math.min(left, PROBE_PER_EVENT_MAX));
        left -= waiting.length;
        Object.assign(group, { isTaken: true, isHeld: false, isNew: false });
        groups.delete(group.eventId);
        groups.set(group.eventId, group);
        probed.push({ group, waiting });
      }
      return {
        waiting: probed.flatMap(({ waiting }) => waiting),
        /** To be called after the attempt. Returns the other waiting requests of the events that are no longer held. */
        end(): Waiting[] {
          for (const { group } of probed) {
            group.isTaken = false;
            if (!group.isHeld) groups.delete(group.eventId);
          }
          openLanes();
          return probed.filter(({ group }) => !group.isHeld).flatMap(({ group }) => group.waiting);
        },
      };
    },
    /** Refuses expired requests. */
    expire(): void {
      for (const group of groups.values()) {
        group.waiting = rejectExpired(group.waiting);
        if (group.waiting.length === 0 && !group.isTaken) groups.delete(group.eventId);
      }
    },
  };
}

function takeLive(group: Group, count: number): Waiting[] {
  group.waiting = rejectExpired(group.waiting);
  return group.waiting.splice(0, count);
}

/** Refuses expired requests and returns the others. */
export function rejectExpired(all: Waiting[], cause?: unknown): Waiting[] {
  const nowMs = performance.now();
  if (!all.some(({ expiresAtMs }) => expiresAtMs <= nowMs)) return all;
  for (const { expiresAtMs, reject } of all) if (expiresAtMs <= nowMs) reject(unavailable(cause));
  return all.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
}

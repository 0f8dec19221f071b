import { unavailable } from '#platform/errors/errors.ts';
import { SQL_ERROR, sqlErrorNumber } from '#platform/errors/sql-error.ts';
import type { SeatRequest } from '../domain/allocation.ts';
import type { BatchAllocation } from './allocate-batch.ts';

/** A request, and who waits for its outcome. */
export interface Waiting {
  readonly request: SeatRequest;
  readonly expiresAtMs: number;
  resolve(outcome: never): void;
  reject(error: unknown): void;
}

/** The requests for an event whose inventory another transaction holds, oldest first. */
interface Group {
  readonly eventId: string;
  waiting: Waiting[];
  /** Some of its requests are being decided: by a lane, or by the batch. */
  isTaken: boolean;
  /** The last attempt to decide some of its requests found it held. */
  isHeld: boolean;
  /** It was found held once, by a batch that usually commits soon: it is tried again with the next one. */
  isNew: boolean;
  /** A lane has waited for its inventory in vain. */
  hasTimedOut: boolean;
}

/** Requests that are tried again with the batch. */
export interface Probe {
  readonly waiting: readonly Waiting[];
  /** Call when they are answered or held again. Answers the other requests of events that are free now. */
  end(): Waiting[];
}

export const BATCH_MAX = 256;
/** Leaves room for other events in the batch. */
const PROBE_MAX = BATCH_MAX / 2;
const PROBE_PER_EVENT_MAX = 8;
export const PROBE_INTERVAL_MS = 50;

/**
 * The events that are held by another transaction, each with the requests that wait for it. A few lanes, each with a
 * connection of its own, wait for one event's inventory in the database's queue, which is fair between processes. A lane
 * takes its requests when it has the lock, so that none that expired is booked. Lanes prefer events that they have not
 * waited for in vain, and of these the one with the most requests. All other events are probed every PROBE_INTERVAL_MS
 * with the batch, which does not wait. An event that was found held for the first time is tried again with the next
 * batch: most often another process was just committing.
 * @param lanesMax how many connections may wait for inventories at once
 * @param waitingMax how many requests may wait in all; beyond that an event has only its equal share
 * @param answer decides requests without waiting, and answers all that are not held
 */
export function createHeldEvents({
  allocateHeld,
  answer,
  lanesMax,
  waitingMax,
}: {
  allocateHeld: BatchAllocation['allocateHeld'];
  answer: (batch: readonly Waiting[]) => Promise<void>;
  lanesMax: number;
  waitingMax: number;
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

  /** Opens lanes for events that have none, as far as there may be more. */
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
    /** True while there are events that no lane waits for. */
    hasUntaken: () => untaken().length > 0,
    /** True while there are events to be tried again with the next batch. */
    hasNew: () => groups.values().some(({ isNew }) => isNew),
    /** Lets a request wait behind the others for its event; false when its event is not known to be held. */
    join(waiting: Waiting): boolean {
      const group = groups.get(waiting.request.eventId);
      if (group === undefined) return false;
      if (isFull(group)) waiting.reject(unavailable());
      else group.waiting.push(waiting);
      return true;
    },
    /** Lets requests wait that were tried and found held, in front of those that came after them. */
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
    /** The requests to be tried again now, of the events that were probed longest ago first. */
    takeProbe(nowMs: number): Probe {
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
        end() {
          for (const { group } of probed) {
            group.isTaken = false;
            if (!group.isHeld) groups.delete(group.eventId);
          }
          openLanes();
          return probed.filter(({ group }) => !group.isHeld).flatMap(({ group }) => group.waiting);
        },
      };
    },
    /** Refuses what has waited too long. */
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

/** Refuses requests that are past their time, and answers the others. */
export function rejectExpired(all: Waiting[], cause?: unknown): Waiting[] {
  const nowMs = performance.now();
  if (!all.some(({ expiresAtMs }) => expiresAtMs <= nowMs)) return all;
  for (const { expiresAtMs, reject } of all) if (expiresAtMs <= nowMs) reject(unavailable(cause));
  return all.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
}

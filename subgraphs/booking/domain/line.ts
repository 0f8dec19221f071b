/** The result for a caller who must wait for their turn. Nothing was decided about seats. */
export interface Queued {
  readonly outcome: 'queued';
  /** The signed place, to be sent with the next call. */
  readonly place: string;
  /** The number of places before this one that have not had their turn. */
  readonly position: number;
  readonly comeBackAt: Date;
}

const MEMORY_MS = 5_000;
const PER_S_MIN = 5;
const COME_BACK_MS = { min: 1_000, max: 60_000, unknown: 2_000 };
/** Added to the expected turn, because turns are given once in a tick. */
const MARGIN_MS = 300;
/** A turn that is further away is less certain, so the caller comes back after this part of the time beyond it. */
const SURE_MS = 3_000;
const UNSURE_SHARE = 0.75;

export type Rate = ReturnType<typeof createRate>;

/** A moving average of events per second. Older times count less and less, with a time constant of 5 s. */
export function createRate() {
  let count = 0;
  let timeMs = 0;
  return {
    add(happened: number, inMs: number): void {
      const kept = Math.exp(-inMs / MEMORY_MS);
      count = count * kept + happened;
      timeMs = timeMs * kept + inMs;
    },
    /** 0 before the first event. */
    perS: (): number => (timeMs === 0 ? 0 : (count / timeMs) * 1_000),
  };
}

/**
 * The number of places that get their turn in a time, as a fraction: what the process decides in this time when half of
 * its bound waits, up to twice as many when less waits, and none at the bound. So the allocator stays busy, although
 * some callers never come back.
 */
export function turnsIn(
  timeMs: number,
  { waiting, waitingMax, perS }: { waiting: number; waitingMax: number; perS: number },
): number {
  const room = Math.max(0, 1 - waiting / waitingMax);
  return (Math.max(perS, PER_S_MIN) * timeMs * 2 * room) / 1_000;
}

/**
 * The time after which the caller at a position comes back: for the nearest ones that of their turn, for the others an
 * earlier one, at which they learn more. A later position never comes back earlier. At 1 to 60 s.
 * @param perS the places that get their turn in a second; 0 when that is not known yet
 * @param jitter from 0 to 1; spreads the callers within the time of one turn
 */
export function comeBackInMs(position: number, { perS, jitter }: { perS: number; jitter: number }): number {
  const turnMs = perS === 0 ? COME_BACK_MS.unknown : ((position + jitter) / Math.max(perS, PER_S_MIN)) * 1_000;
  const earlierMs = turnMs <= SURE_MS ? turnMs : SURE_MS + (turnMs - SURE_MS) * UNSURE_SHARE;
  return Math.min(Math.max(earlierMs + MARGIN_MS, COME_BACK_MS.min), COME_BACK_MS.max);
}

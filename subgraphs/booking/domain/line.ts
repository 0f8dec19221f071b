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
const COME_BACK_MS = { min: 1_000, max: 60_000, young: 2_000 };
/** Added to the expected turn, because turns are given once in a tick. */
const MARGIN_MS = 300;
/** A turn that is further away is less certain, so the caller comes back after this part of the time beyond it. */
const SURE_MS = 2_000;
const UNSURE_SHARE = 0.6;
/** The part by which the pace changes in a second when nothing waits. */
const ADAPTS_PER_S = 0.25;
/** The pace is at most this many turns for each decision. */
const NO_SHOWS_MAX = 4;

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

export type Pace = ReturnType<typeof createPace>;

/**
 * The turns that a process gives, so that about half of its bound waits: a proportional and integral controller. It gives
 * what is decided when half of the bound waits, up to twice as many when less waits, and none at the bound. While it has
 * to give more, because callers do not come back or the database has become faster, its pace grows, and the reverse.
 */
export function createPace(waitingMax: number) {
  const decisions = createRate();
  let perS = PER_S_MIN;
  let fraction = 0;
  return {
    /** Counts decisions while requests waited. */
    add(decided: number, inMs: number): void {
      decisions.add(decided, inMs);
      perS = Math.max(perS, decisions.perS());
    },
    /** Returns the number of turns for a time. */
    turnsIn(timeMs: number, waiting: number): number {
      const share = 2 * Math.max(0, 1 - waiting / waitingMax);
      const most = Math.max(PER_S_MIN, decisions.perS() * NO_SHOWS_MAX);
      perS = Math.min(Math.max(perS * (1 + (ADAPTS_PER_S * (share - 1) * timeMs) / 1_000), PER_S_MIN), most);
      fraction += (perS * share * timeMs) / 1_000;
      const turns = Math.floor(fraction);
      fraction -= turns;
      return turns;
    },
    perS: () => decisions.perS(),
  };
}

/**
 * The time after which the caller at a position comes back: for the nearest ones that of their turn, for the others an
 * earlier one, at which they learn more. A later position never comes back earlier. At 1 to 60 s.
 * @param perS the places that get their turn in a second; 0 when that is not known yet
 * @param ageMs how long the rate was observed; a caller comes back after this time, plus 2 s, at the latest
 * @param jitter from 0 to 1; spreads the callers within the time of one turn
 */
export function comeBackInMs(
  position: number,
  { perS, ageMs, jitter }: { perS: number; ageMs: number; jitter: number },
): number {
  const latestMs = Math.min(COME_BACK_MS.max, COME_BACK_MS.young + ageMs);
  const turnMs = perS === 0 ? latestMs : ((position + jitter) / Math.max(perS, PER_S_MIN)) * 1_000;
  const earlierMs = turnMs <= SURE_MS ? turnMs : SURE_MS + (turnMs - SURE_MS) * UNSURE_SHARE;
  return Math.min(Math.max(earlierMs + MARGIN_MS, COME_BACK_MS.min), latestMs);
}

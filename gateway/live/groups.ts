import type { BookingChange } from '../context.ts';

/** Listeners who get the same answers. */
export interface Group<Listener> {
  readonly listeners: ReadonlySet<Listener>;
  /** Adds a listener, who gets the first answer at once. */
  add(listener: Listener): void;
  remove(listener: Listener): void;
  /** Reports a change. Without an argument, it reports that any change may have been missed. */
  changed(change?: BookingChange): void;
}

export interface Answer {
  readonly json: string;
  /** True if a subgraph did not answer. */
  readonly isIncomplete: boolean;
}

interface GroupParts<Listener> {
  /** Executes the selection. Never throws. */
  answer(change?: BookingChange): Promise<Answer>;
  deliver(json: string, listeners: Iterable<Listener>): Promise<void>;
}

const JOIN_INTERVAL_MS = 50;
const RETRY_MS = 5_000;

/**
 * Creates a group that follows a state: each answer is the present state. Changes that come close together have one
 * answer, `intervalMs` after the last one, and never two answers at a time. An answer that all listeners have already is
 * not delivered again. An answer with missing parts is followed by another one after RETRY_MS.
 */
export function createStateGroup<Listener>({
  answer,
  deliver,
  intervalMs,
}: GroupParts<Listener> & { intervalMs: () => number }): Group<Listener> {
  const listeners = new Set<Listener>();
  const joining = new Set<Listener>();
  /** The answer that all listeners have, except those that are joining. */
  let shown: string | undefined;
  let isChanged = false;
  let isRunning = false;
  let [answeredAtMs, shownAtMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let timer: NodeJS.Timeout | undefined;
  let timerDueMs = Number.POSITIVE_INFINITY;
  let retry: NodeJS.Timeout | undefined;

  function schedule(): void {
    if (isRunning || listeners.size === 0 || !(isChanged || joining.size > 0)) return;
    const dueForAllMs = isChanged ? shownAtMs + intervalMs() : Number.POSITIVE_INFINITY;
    const dueMs = joining.size > 0 ? Math.min(dueForAllMs, answeredAtMs + JOIN_INTERVAL_MS) : dueForAllMs;
    // An earlier timer stays. If each of many changes began a new one, none would ever fire.
    if (timerDueMs <= dueMs) return;
    clearTimeout(timer);
    timerDueMs = dueMs;
    timer = setTimeout(() => void run(), Math.max(0, Math.ceil(dueMs - performance.now())));
  }

  async function run(): Promise<void> {
    timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = performance.now();
    const isForAll = isChanged && nowMs >= shownAtMs + intervalMs();
    // A timer may fire some milliseconds early.
    if (!isForAll && joining.size === 0) return schedule();
    isRunning = true;
    answeredAtMs = nowMs;
    if (isForAll) [isChanged, shownAtMs] = [false, nowMs];
    const newcomers = [...joining];
    joining.clear();
    const { json, isIncomplete } = await answer();
    const isNews = json !== shown;
    await deliver(json, isForAll && isNews ? [...listeners] : newcomers);
    const isAlone = listeners.size === joining.size + newcomers.filter((one) => listeners.has(one)).length;
    if (isForAll || isAlone) shown = json;
    else if (isNews) isChanged = true;
    clearTimeout(retry);
    if (isIncomplete) retry = setTimeout(changed, RETRY_MS).unref();
    isRunning = false;
    schedule();
  }

  function changed(): void {
    isChanged = true;
    schedule();
  }

  return {
    listeners,
    add(listener) {
      listeners.add(listener);
      joining.add(listener);
      schedule();
    },
    remove(listener) {
      listeners.delete(listener);
      joining.delete(listener);
      if (listeners.size > 0) return;
      clearTimeout(timer);
      clearTimeout(retry);
      timerDueMs = Number.POSITIVE_INFINITY;
    },
    changed,
  };
}

const WAITING_CHANGES_MAX = 20;
const REFRESH: BookingChange = { kind: 'REFRESH' };

/**
 * Creates a group that follows changes: each change has an answer, in the order of the changes. Of several changes of a
 * booking that wait, only the last one is answered. Too many of them become one REFRESH.
 */
export function createChangeGroup<Listener>({ answer, deliver }: GroupParts<Listener>): Group<Listener> {
  const listeners = new Set<Listener>();
  const joining = new Set<Listener>();
  const waiting = new Map<string | undefined, BookingChange>();
  let isRunning = false;

  async function run(): Promise<void> {
    if (isRunning) return;
    isRunning = true;
    while (joining.size > 0 || waiting.size > 0) {
      const newcomers = [...joining];
      joining.clear();
      if (newcomers.length > 0) await deliver((await answer(REFRESH)).json, newcomers);
      const [change] = waiting.values();
      if (change === undefined) continue;
      waiting.delete(change.bookingId);
      await deliver((await answer(change)).json, [...listeners]);
    }
    isRunning = false;
  }

  return {
    listeners,
    add(listener) {
      listeners.add(listener);
      joining.add(listener);
      void run();
    },
    remove(listener) {
      listeners.delete(listener);
      joining.delete(listener);
      if (listeners.size === 0) waiting.clear();
    },
    changed(change = REFRESH) {
      const kept = waiting.size < WAITING_CHANGES_MAX ? change : REFRESH;
      if (kept.kind === 'REFRESH') waiting.clear();
      waiting.delete(kept.bookingId);
      waiting.set(kept.bookingId, kept);
      void run();
    },
  };
}

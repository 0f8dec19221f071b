import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The header with the number of milliseconds that the answer may take. The gateway sets it, and so do subgraphs that
 * call others.
 */
export const TIME_LEFT_HEADER = 'x-time-left-ms';

/** The maximum for every caller, and the default for a caller without the header. */
export const TIME_LEFT_MS_MAX = 60_000;

/** The time until which the caller waits for the current work, and whose work it is. */
export interface Deadline {
  /** On the clock of performance.now(). */
  readonly atMs: number;
  /** Aborted when the caller disconnects. Without a signal the work continues in that case. */
  readonly signal?: AbortSignal;
  /** The id of the caller's request, for log lines. */
  readonly requestId?: string;
  /** The trace context of the current step, see Span. */
  readonly traceparent?: string | undefined;
}

/**
 * The deadline has passed or the caller has disconnected. It has a code because Prisma keeps the code of errors that it
 * wraps.
 */
export class DeadlineError extends Error {
  readonly code = 'DEADLINE_PASSED';
}

const deadlines = new AsyncLocalStorage<Deadline | undefined>();

/** Runs work that a caller waits for until the deadline. Everything that `run` awaits has the same deadline. */
export const runWithDeadline = <Result>(deadline: Deadline, run: () => Result): Result => deadlines.run(deadline, run);

/**
 * Runs work without the current deadline, for work that several callers share or that continues in the background. It
 * still belongs to the trace of the caller that began it.
 */
export const runWithoutDeadline = <Result>(run: () => Result): Result => runInTrace(currentTraceparent(), run);

/** Runs work without a deadline in a trace, or in no trace. */
export const runInTrace = <Result>(traceparent: string | undefined, run: () => Result): Result =>
  deadlines.run(traceparent === undefined ? undefined : { atMs: Infinity, traceparent }, run);

/** Returns the deadline of the current work on the clock of performance.now(), or Infinity if there is none. */
export const currentDeadlineMs = (): number => deadlines.getStore()?.atMs ?? Infinity;

/** Returns the id of the request that the current work belongs to. */
export const currentRequestId = (): string | undefined => deadlines.getStore()?.requestId;

/** Returns the trace context of the current step, or undefined when it is not traced. */
export const currentTraceparent = (): string | undefined => deadlines.getStore()?.traceparent;

/**
 * Returns the milliseconds until the deadline, or Infinity if there is none.
 * @throws DeadlineError after the deadline or a disconnect
 */
export function timeLeftMs(): number {
  const deadline = deadlines.getStore();
  if (deadline === undefined) return Infinity;
  const leftMs = deadline.atMs - performance.now();
  if (leftMs <= 0 || deadline.signal?.aborted) throw new DeadlineError('The caller no longer waits for an answer.');
  return leftMs;
}

/** Returns the milliseconds that a TIME_LEFT_HEADER grants, at most TIME_LEFT_MS_MAX. */
export function readTimeLeftMs(header: unknown): number {
  const leftMs = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : TIME_LEFT_MS_MAX;
  return Math.min(leftMs, TIME_LEFT_MS_MAX);
}

import { AsyncLocalStorage } from 'node:async_hooks';

/** The header in which the gateway, or a subgraph that asks another one, says how many milliseconds the answer may take. */
export const TIME_LEFT_HEADER = 'x-time-left-ms';

/** What no caller may exceed, whatever its header says; also what a caller without the header gets. */
export const TIME_LEFT_MS_MAX = 60_000;

/** Until when somebody waits for the work at hand. */
export interface Deadline {
  /** On the clock of performance.now(). */
  readonly atMs: number;
  /** Aborted when the caller goes away; without it, the work goes on then. */
  readonly signal?: AbortSignal;
}

/** Nobody waits for the work at hand any more. The code survives Prisma, which wraps errors by their code. */
export class DeadlineError extends Error {
  readonly code = 'DEADLINE_PASSED';
}

const deadlines = new AsyncLocalStorage<Deadline | undefined>();

/** Runs what a caller waits for until the deadline. All that `run` awaits has the same deadline. */
export const runWithDeadline = <Result>(deadline: Deadline, run: () => Result): Result => deadlines.run(deadline, run);

/** Runs what several callers wait for, or nobody does: the deadline of the caller who happened to start it does not count. */
export const runWithoutDeadline = <Result>(run: () => Result): Result => deadlines.run(undefined, run);

/** The deadline of the work at hand on the clock of performance.now(); Infinity without one. */
export const currentDeadlineMs = (): number => deadlines.getStore()?.atMs ?? Infinity;

/** The milliseconds until the deadline; Infinity without one. @throws DeadlineError when it has passed or the caller has gone */
export function timeLeftMs(): number {
  const deadline = deadlines.getStore();
  if (deadline === undefined) return Infinity;
  const leftMs = deadline.atMs - performance.now();
  if (leftMs <= 0 || deadline.signal?.aborted) throw new DeadlineError('The caller does not wait any longer.');
  return leftMs;
}

/** What a TIME_LEFT_HEADER grants, within bounds. */
export function readTimeLeftMs(header: unknown): number {
  const leftMs = typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : TIME_LEFT_MS_MAX;
  return Math.min(leftMs, TIME_LEFT_MS_MAX);
}

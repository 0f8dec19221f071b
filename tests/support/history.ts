import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '#scripts/local/settings.ts';
import type { Buyer } from './buyers.ts';

/** The end of a request that decided about seats or read a page. Only these are final. */
export type Final =
  | { outcome: 'booked'; bookingId: string; seatCount: number; replayed: boolean }
  | { outcome: 'cancelled' }
  | { outcome: 'refused'; code: string }
  | { outcome: 'read'; eventName: string };

/**
 * - unavailable: the answer is SERVICE_UNAVAILABLE. A mutation may have happened.
 * - incomplete: a page whose missing fields are explained by SERVICE_UNAVAILABLE.
 * - unknown: there was no answer.
 * - wrong: any other answer, such as an internal error.
 */
export type Outcome =
  | Final
  | { outcome: 'unavailable' }
  | { outcome: 'incomplete'; lacking: readonly string[]; data: unknown }
  | { outcome: 'unknown'; reason: string }
  | { outcome: 'wrong'; answer: unknown };

/** A request as it was planned. */
export interface Request {
  readonly kind: 'book' | 'cancel' | 'page';
  readonly buyer: Buyer;
  readonly eventId: string;
  readonly seatCount: number;
  /** The idempotency key of a booking, or the id of the booking to cancel. */
  readonly key: string;
}

export interface Entry extends Request {
  /** When the request was due, when it left and how long its answer took, since the beginning of the history. */
  readonly dueMs: number;
  readonly leftMs: number;
  readonly tookMs: number;
  readonly answer: Outcome;
  /** The final answer of a retry with the same key, when the first answer left the outcome open. */
  resolved?: Final;
}

/** Everything that clients sent and heard. */
export interface History {
  readonly seed: number;
  readonly entries: readonly Entry[];
  nowMs(): number;
  add(entry: Entry): void;
  /** Writes the entries as JSON lines, in order of departure. Returns the path of the file. */
  save(name: string): string;
}

export function createHistory(seed: number): History {
  const beganAtMs = performance.now();
  const entries: Entry[] = [];
  return {
    seed,
    entries,
    nowMs: () => performance.now() - beganAtMs,
    add: (entry) => void entries.push(entry),
    save(name) {
      const folder = join(root, '.data', 'histories');
      const file = join(folder, `${name}-${seed}.jsonl`);
      const lines = entries
        .toSorted((one, other) => one.leftMs - other.leftMs)
        .map(({ buyer, ...entry }) => JSON.stringify({ ...entry, userId: buyer.userId }));
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, `${lines.join('\n')}\n`);
      return file;
    },
  };
}

const OPEN: ReadonlySet<string> = new Set(['unavailable', 'unknown']);

/** True when a mutation may or may not have happened. */
export const isOpen = ({ kind, answer }: Entry): boolean => kind !== 'page' && OPEN.has(answer.outcome);

/** An answer to a mutation, if it is final. */
export function asFinal(answer: Outcome): Final | undefined {
  const { outcome } = answer;
  return outcome === 'booked' || outcome === 'cancelled' || outcome === 'refused' ? answer : undefined;
}

/** The final answer of a mutation; undefined if there is none. */
export const finalOf = ({ answer, resolved }: Entry): Final | undefined => resolved ?? asFinal(answer);

/** True when the answer is complete, or a refusal of the domain. */
export const isServed = ({ answer: { outcome } }: Entry): boolean =>
  outcome === 'booked' || outcome === 'cancelled' || outcome === 'refused' || outcome === 'read';

/** The median time of the pages among some requests. */
export function medianPageMs(entries: readonly Entry[]): number {
  const times = entries.filter(({ kind }) => kind === 'page').map(({ tookMs }) => tookMs);
  return times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? Number.NaN;
}

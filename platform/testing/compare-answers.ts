/** The observable results of one request. */
export interface Observation {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** The requests that the subgraphs received, in any order. */
  readonly received: readonly string[];
  readonly logs: readonly string[];
  /** The increases of the counters. */
  readonly counted: Readonly<Record<string, number>>;
}

const OBSERVED = ['status', 'headers', 'received', 'logs', 'counted'] as const;
/** The parts that do not depend on the number of errors in a null. */
const UNSHADOWED = ['received', 'counted'] as const;

interface AnswerError {
  readonly path?: readonly unknown[];
}

/**
 * Returns the part that differs between two observations, or undefined if they are the same. Errors may come in any
 * order. With `toleratesPaths`, the path of an error may lead to another item of the same lists, or start below it.
 * With `toleratesShadowed`, errors in an object or list that became null count once: GraphQL does not say how many of
 * them an answer contains. The status, headers and log lines that come from them may differ, too.
 */
export function differenceBetween(
  one: Observation,
  other: Observation,
  { toleratesPaths = false, toleratesShadowed = false } = {},
): string | undefined {
  const told = ({ text }: Observation) => JSON.stringify(bodyOf(text, false));
  const joinsShadowed = toleratesShadowed && told(one) !== told(other);
  for (const key of joinsShadowed ? UNSHADOWED : OBSERVED) {
    if (JSON.stringify(one[key]) !== JSON.stringify(other[key])) return key;
  }
  const [first, second] = [one, other].map(({ text }) => bodyOf(text, joinsShadowed)) as [Body, Body];
  if (first.rest !== second.rest) return 'body';
  const ofBoth = first.errors.filter((error) => second.errors.includes(error));
  const [left, right] = [without(first.errors, ofBoth), without(second.errors, ofBoth)];
  if (left.length === 0 && right.length === 0) return undefined;
  return toleratesPaths && differInPathsOnly(left, right) ? undefined : 'errors';
}

interface Body {
  readonly errors: readonly string[];
  readonly rest: string;
}

/** Splits a body into its errors, as sorted texts, and the rest. */
function bodyOf(text: string, joinsShadowed: boolean): Body {
  let body: { data?: unknown; errors?: unknown };
  try {
    body = JSON.parse(text);
  } catch {
    return { errors: [], rest: text };
  }
  const { errors } = body;
  if (!Array.isArray(errors)) return { errors: [], rest: text };
  // Each internal error has its own id.
  const withoutId = (_key: string, value: unknown) => (_key === 'errorId' ? 'an id' : value);
  const told = errors.map((error: AnswerError) => {
    const shadow = joinsShadowed ? shadowOf(error, body.data) : undefined;
    return JSON.stringify(shadow === undefined ? error : { shadow }, withoutId);
  });
  const texts = (joinsShadowed ? [...new Set(told)] : told).sort();
  return { errors: texts, rest: JSON.stringify({ ...body, errors: texts.length }) };
}

/** Returns the path of the null that an error is in, or undefined if the error has its own place in the data. */
function shadowOf({ path = [] }: AnswerError, data: unknown): readonly unknown[] | undefined {
  let value = data;
  for (const [depth, key] of path.entries()) {
    if (value === null) return path.slice(0, depth);
    value = (value as Record<string, unknown> | undefined)?.[String(key)];
  }
  return undefined;
}

function without(items: readonly string[], removed: readonly string[]): string[] {
  const left = [...items];
  for (const item of removed) {
    const at = left.indexOf(item);
    if (at >= 0) left.splice(at, 1);
  }
  return left;
}

function differInPathsOnly(left: readonly string[], right: readonly string[]): boolean {
  const open = [...right];
  return left.every((error) => {
    const at = open.findIndex((other) => isSameButForPath(JSON.parse(error), JSON.parse(other)));
    if (at >= 0) open.splice(at, 1);
    return at >= 0;
  });
}

function isSameButForPath({ path: one = [], ...error }: AnswerError, { path: other = [], ...same }: AnswerError) {
  const fields = (path: readonly unknown[]) => path.filter((key) => typeof key === 'string').join('.');
  return JSON.stringify(error) === JSON.stringify(same) && `.${fields(other)}`.endsWith(`.${fields(one)}`);
}

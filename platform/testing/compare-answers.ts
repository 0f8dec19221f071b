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

interface AnswerError {
  readonly path?: readonly unknown[];
}

/**
 * Returns the part that differs between two observations, or undefined if they are the same. Errors may come in any
 * order. With `toleratesPaths`, the path of an error may lead to another item of the same lists, or start below it.
 */
export function differenceBetween(
  one: Observation,
  other: Observation,
  { toleratesPaths = false } = {},
): string | undefined {
  for (const key of ['status', 'headers', 'received', 'logs', 'counted'] as const) {
    if (JSON.stringify(one[key]) !== JSON.stringify(other[key])) return key;
  }
  const [first, second] = [bodyOf(one.text), bodyOf(other.text)];
  if (first.rest !== second.rest) return 'body';
  const ofBoth = first.errors.filter((error) => second.errors.includes(error));
  const [left, right] = [without(first.errors, ofBoth), without(second.errors, ofBoth)];
  if (left.length === 0 && right.length === 0) return undefined;
  return toleratesPaths && differInPathsOnly(left, right) ? undefined : 'errors';
}

/** Splits a body into its errors, as sorted texts, and the rest. */
function bodyOf(text: string): { errors: string[]; rest: string } {
  let body: { errors?: unknown };
  try {
    body = JSON.parse(text);
  } catch {
    return { errors: [], rest: text };
  }
  const { errors } = body;
  if (!Array.isArray(errors)) return { errors: [], rest: text };
  // Each internal error has its own id.
  const withoutId = (_key: string, value: unknown) => (_key === 'errorId' ? 'an id' : value);
  return {
    errors: errors.map((error) => JSON.stringify(error, withoutId)).sort(),
    rest: JSON.stringify({ ...body, errors: errors.length }),
  };
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

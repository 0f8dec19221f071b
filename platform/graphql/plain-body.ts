/** A GraphQL request body with nothing unusual in it. */
export interface PlainBody {
  readonly query: unknown;
  readonly variables: Record<string, unknown>;
  readonly operationName: string | undefined;
  readonly extensions: unknown;
}

/** Reads a GraphQL request body. Returns undefined for a body that Apollo Server must check. */
export function readPlainBody(body: unknown): PlainBody | undefined {
  if (!isRecord(body)) return undefined;
  const { query, variables, operationName, extensions, ...others } = body;
  if (Object.keys(others).length > 0) return undefined;
  if (variables != null && !isRecord(variables)) return undefined;
  if (operationName != null && (typeof operationName !== 'string' || operationName === '')) return undefined;
  return { query, variables: variables ?? {}, operationName: operationName ?? undefined, extensions };
}

/** True for an object that is not an array. */
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

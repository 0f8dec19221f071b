import { expect } from 'vitest';

/** Details that must not leave the system: stack traces, statements, addresses, error codes and names of software. */
const LEAKS: readonly RegExp[] = [
  /\bat \S+ \(?(?:file:|node:|\/)/,
  /node_modules|\.(?:ts|mjs|js):\d+/,
  /\b(?:SELECT|INSERT|UPDATE|DELETE)\b[^"]*\b(?:FROM|INTO|SET|WHERE)\b/i,
  /\b(?:127\.0\.0\.1|localhost|0\.0\.0\.0|::1)\b/,
  /\b(?:E(?:CONN|PIPE|NOTFOUND|TIMEDOUT|AI_)\w*|UND_ERR\w*|FST_\w+|ER_[A-Z_]+)\b/,
  /\bP[12]\d{3}\b/,
  // Names of headers that clients may send are allowed.
  /prisma|mariadb|mysql|jetstream|ioredis|undici|fastify|express|apollo(?!-(?:require-preflight|operation-name))|jose\b/i,
  /did you mean/i,
  /serviceName|stacktrace|_entities|_service|x-gateway-proof/i,
];

/** The parts of an answer that a client sees. */
export interface Seen {
  status: number;
  headers: Headers;
  text: string;
}

export const seenOf = async (response: Response): Promise<Seen> => ({
  status: response.status,
  headers: response.headers,
  text: await response.text(),
});

/** The leaks in an answer. `ports` are the internal ports of the system. */
export function leaksIn({ headers, text }: Pick<Seen, 'headers' | 'text'>, ports: readonly string[] = []): string[] {
  const shown = `${[...headers].map(([name, value]) => `${name}: ${value}`).join('\n')}\n\n${text}`;
  const patterns = [...LEAKS, ...ports.map((port) => new RegExp(`\\b${port}\\b`)), /^(?:x-powered-by|server|via):/im];
  return patterns.flatMap((pattern) => pattern.exec(shown)?.[0] ?? []);
}

export function expectNoLeak(seen: Seen, ports: readonly string[] = []): void {
  expect({ leaks: leaksIn(seen, ports), text: seen.text }).toEqual({ leaks: [], text: seen.text });
}

import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { GraphQLError } from 'graphql';
import { forbidden } from '../errors/errors.ts';
import { isAdmin } from '../identity/authorization.ts';
import { type Authenticate, requireCaller } from '../identity/identity.ts';
import { DEBUG_PARTS, type DebugSource, type DebugSources, NoAnswerError } from '../process/debug.ts';

const TIMEOUT_MS = 2_000;

/**
 * Serves the state of each dependency at `/debug/<part>` to callers with an admin's access token. The status is 401
 * without a valid token, 403 for other users, 404 when the process does not use the dependency, and 503 with the reason
 * when the dependency does not answer within 2 s.
 */
export function serveDebugEndpoints(
  http: FastifyInstance,
  { authenticate, sources }: { authenticate: Authenticate; sources: DebugSources },
): void {
  for (const part of DEBUG_PARTS) {
    const source = sources[part];
    const ask = source && askOnce(source);
    http.get(`/debug/${part}`, async (request, reply) => {
      try {
        const caller = requireCaller(await authenticate(request.headers.authorization));
        request.details.callerId = caller.userId;
        if (!isAdmin(caller)) throw forbidden();
      } catch (error) {
        if (!(error instanceof GraphQLError)) throw error;
        const { code } = error.extensions;
        const body = { errors: [{ message: error.message, extensions: { code } }] };
        return reply.code(code === 'FORBIDDEN' ? 403 : 401).send(body);
      }
      if (source === undefined || ask === undefined) {
        return reply.code(404).send({ error: `This process does not use ${part}.` });
      }
      try {
        const answer = await inTime(ask());
        return { ...source.known(), ...answer };
      } catch (error) {
        return reply.code(503).send({ error: reasonOf(error), ...source.known() });
      }
    });
  }
}

/** Requests at the same time share one answer, so that they do not add load to a dependency that is slow. */
function askOnce(source: DebugSource): () => Promise<object> {
  let underWay: Promise<object> | undefined;
  return () => {
    underWay ??= source.ask().finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
}

async function inTime(answer: Promise<object>): Promise<object> {
  const answered = new AbortController();
  const late = delay(TIMEOUT_MS, undefined, { signal: answered.signal }).then(() => {
    throw new NoAnswerError(`no answer within ${TIMEOUT_MS} ms`);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    answered.abort();
  }
}

/** The messages of drivers can contain addresses and accounts, so only their codes are shown. */
function reasonOf(error: unknown): string {
  if (error instanceof NoAnswerError) return error.message;
  return error instanceof Error && 'code' in error ? String(error.code) : 'failed';
}

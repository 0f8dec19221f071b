import { randomUUID } from 'node:crypto';
import fastify, {
  errorCodes,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  LogController,
} from 'fastify';
import { Histogram, type Registry } from 'prom-client';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Logger } from '../process/logger.ts';
import { checkReadiness, type ReadinessChecks } from '../process/readiness.ts';

/** Limits on clients that send slowly or never: until all headers are there, and until all of the request is. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 10_000;
/** The longest that anybody needs is below 100. Apollo Server's parser takes quadratic time on a run of spaces. */
const CONTENT_TYPE_CHARACTERS_MAX = 256;
const REQUEST_ID = /^[\w.:-]{1,64}$/;
const OPERATOR_PATHS: ReadonlySet<string> = new Set(['/health', '/serving', '/ready', '/metrics']);

/**
 * An HTTP server with every limit set, and the operators' endpoints: `/health` (alive, asks nobody), `/serving` (503 once
 * the process stops, asks nobody), `/ready` (503 also while something in `readiness` is away; what is in `uses` is only
 * reported) and `/metrics`. Every answer carries the id of its request and may not be stored. From the signal to stop on, every answer asks for its connection to be closed, so that the
 * next request goes elsewhere. Closing the server closes idle connections, refuses new requests and waits for those in
 * flight.
 */
export function createHttpServer({
  logger,
  metrics,
  lifecycle,
  required,
  optional = {},
  bodyLimitBytes,
  trustedProxies = [],
}: {
  logger: Logger;
  metrics: Registry;
  lifecycle: Lifecycle;
  required: ReadinessChecks;
  optional?: ReadinessChecks;
  bodyLimitBytes: number;
  /** Addresses and networks whose X-Forwarded-For is believed. */
  trustedProxies?: readonly string[];
}): FastifyInstance {
  const server = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 30_000,
    // Longer than any client's or balancer's own, so that it is never we who close a connection it is about to use.
    keepAliveTimeout: 75_000,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: HEADERS_BYTES_MAX,
      // How often the two time-outs are looked at; the default of 30 s would treble them.
      connectionsCheckingInterval: 1_000,
    },
    // A path that cannot be read reaches none of the hooks and handlers below.
    frameworkErrors: (_error, { id }, reply) =>
      void (reply as unknown as FastifyReply)
        .code(400)
        .headers(headersOfEveryAnswer(id))
        .send(errorBody(400, 'The path is malformed.')),
    forceCloseConnections: 'idle',
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
  });
  server.server.maxConnections = CONNECTIONS_MAX;
  observeRequests(server, metrics);
  server.addHook('onRequest', ({ headers }, _reply, done) => {
    const { length } = headers['content-type'] ?? '';
    done(length > CONTENT_TYPE_CHARACTERS_MAX ? new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE() : undefined);
  });
  server.addHook('onSend', async (request, reply) => {
    reply.headers(headersOfEveryAnswer(request.id));
    if (lifecycle.stopping) reply.header('connection', 'close');
  });

  server.get('/health', async () => ({ status: 'alive' }));
  server.get('/serving', async (_request, reply) =>
    lifecycle.stopping ? reply.code(503).send({ status: 'stopping' }) : { status: 'serving' },
  );
  server.get('/ready', async (_request, reply) => {
    const report = lifecycle.stopping ? { status: 'stopping' } : await checkReadiness(required, optional);
    return reply.code(report.status === 'ready' || report.status === 'degraded' ? 200 : 503).send(report);
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));

  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const statusCode = error.statusCode ?? 500;
    if (statusCode >= 500) request.log.error({ err: error }, 'request failed');
    const message = statusCode >= 500 ? 'Something went wrong.' : error.message;
    return reply.code(statusCode).send(errorBody(statusCode, message));
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(404, 'Not found.')));
  return server;
}

const headersOfEveryAnswer = (requestId: string) => ({ 'x-request-id': requestId, 'cache-control': 'no-store' });

const errorBody = (statusCode: number, message: string) => ({
  errors: [{ message, extensions: { code: statusCode >= 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_REQUEST' } }],
});

/** One log line and one observation per request, the operators' own endpoints aside. */
function observeRequests(server: FastifyInstance, metrics: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['method', 'status'] as const,
    registers: [metrics],
  });
  server.addHook('onResponse', async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    if (OPERATOR_PATHS.has(path)) return;
    durations.observe({ method: request.method, status: String(reply.statusCode) }, reply.elapsedTime / 1_000);
    request.log.info(
      { method: request.method, path, status: reply.statusCode, durationMs: reply.elapsedTime },
      'request',
    );
  });
}

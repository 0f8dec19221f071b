import { randomUUID } from 'node:crypto';
import fastify, {
  errorCodes,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Lifecycle } from '../process/lifecycle.ts';
import type { Logger } from '../process/logger.ts';
import { checkReadiness, type ReadinessChecks } from '../process/readiness.ts';

/** Limits for slow clients: the time until all headers have arrived, and until the whole request has arrived. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const HEADERS_BYTES_MAX = 16_384;
const CONNECTIONS_MAX = 10_000;
/**
 * The number of connections that may wait to be accepted. With Node's default of 511, a burst of new clients fills the
 * queue, and the kernel lets the others try again after 1, 3, 7 and 15 s.
 */
export const WAITING_CONNECTIONS_MAX = 4_096;
/** Real content types are shorter than 100. Apollo Server parses many spaces in quadratic time. */
const CONTENT_TYPE_CHARACTERS_MAX = 256;
const REQUEST_ID = /^[\w.:-]{1,64}$/;
const OPERATOR_PATHS: ReadonlySet<string> = new Set(['/health', '/serving', '/ready', '/metrics']);

/**
 * Creates an HTTP server with limits and the endpoints for operators:
 *
 * - `/health`: the process is alive. It checks no dependency.
 * - `/serving`: 503 once the process stops. It checks no dependency.
 * - `/ready`: 503 once the process stops or while a `required` dependency is unavailable. An `optional` one is only
 *   reported.
 * - `/metrics`: the metrics of the process.
 *
 * Every answer carries the id of its request and must not be cached. After the signal to stop, every answer requests
 * that its connection be closed, so that the next request goes to another replica. Closing the server closes idle
 * connections, refuses new requests and waits for the requests in flight.
 */
export function createHttpServer({
  logger,
  metrics,
  lifecycle,
  required,
  optional = {},
  bodyLimitBytes,
  trustedProxies = [],
  streamsMax = 0,
}: {
  logger: Logger;
  metrics: Registry;
  lifecycle: Lifecycle;
  required: ReadinessChecks;
  optional?: ReadinessChecks;
  bodyLimitBytes: number;
  /** Addresses and networks of the proxies whose X-Forwarded-For is trusted. */
  trustedProxies?: readonly string[];
  /** The number of streams that may be open. Each takes a connection. */
  streamsMax?: number;
}): FastifyInstance {
  const server = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    bodyLimit: bodyLimitBytes,
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 30_000,
    // Longer than the time-outs of clients and load balancers: the server must not close a connection that they are
    // about to use.
    keepAliveTimeout: 75_000,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      maxHeaderSize: HEADERS_BYTES_MAX,
      // The interval at which both time-outs are checked. With the default of 30 s, 10 s could become 40 s.
      connectionsCheckingInterval: 1_000,
    },
    // The hooks and handlers below do not see requests with a malformed path.
    frameworkErrors: (_error, { id }, reply) =>
      void (reply as unknown as FastifyReply)
        .code(400)
        .headers(headersOfEveryAnswer(id))
        .send(errorBody(400, 'The path is malformed.')),
    forceCloseConnections: 'idle',
    genReqId: ({ headers }) => requestIdOf(headers['x-request-id']),
  });
  server.server.maxConnections = CONNECTIONS_MAX + streamsMax;
  observeRequests(server, metrics);
  server.addHook('onRequest', (request, _reply, done) => {
    request.details = {};
    const { length } = request.headers['content-type'] ?? '';
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
  const readiness = new Gauge({
    name: 'service_ready',
    help: '1 if the last request to /ready was answered with 200, otherwise 0.',
    registers: [metrics],
  });
  server.get('/ready', async (_request, reply) => {
    const report = lifecycle.stopping ? { status: 'stopping' } : await checkReadiness(required, optional);
    const isReady = report.status === 'ready' || report.status === 'degraded';
    readiness.set(isReady ? 1 : 0);
    return reply.code(isReady ? 200 : 503).send(report);
  });
  server.get('/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));

  server.setErrorHandler((error: Error & { statusCode?: number; code?: string }, request, reply) => {
    const statusCode = error.statusCode ?? 500;
    // The caller disconnected before the answer began, for example because its own time limit had passed.
    const isAbandoned = error.code === 'ERR_STREAM_PREMATURE_CLOSE';
    if (statusCode >= 500) request.log[isAbandoned ? 'info' : 'error']({ err: error }, 'request failed');
    const message = statusCode >= 500 ? 'Something went wrong.' : error.message;
    return reply.code(statusCode).send(errorBody(statusCode, message));
  });
  server.setNotFoundHandler((_request, reply) => reply.code(404).send(errorBody(404, 'Not found.')));
  return server;
}

/** Returns the id that a request contains, or a new one. */
export const requestIdOf = (given: unknown): string =>
  typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();

const headersOfEveryAnswer = (requestId: string) => ({ 'x-request-id': requestId, 'cache-control': 'no-store' });

const errorBody = (statusCode: number, message: string) => ({
  errors: [{ message, extensions: { code: statusCode >= 500 ? 'INTERNAL_SERVER_ERROR' : 'BAD_REQUEST' } }],
});

/** A request that was answered, or one operation of a batch. */
interface ObservedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  /** Further fields for the log line. */
  readonly details?: object | undefined;
  /** The level of the log line. */
  readonly level?: 'debug' | 'info' | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Further fields for the log line of the request. */
    details: Record<string, unknown>;
    /** True for a request whose answer is a stream. It is observed when the stream begins. */
    isStream: boolean;
    /** The level of the log line of the request. */
    logLevel: ObservedRequest['level'];
  }
  interface FastifyInstance {
    /** Logs and measures a request. Each request is observed, except those to operators' endpoints and batches. */
    observe(request: ObservedRequest): void;
  }
  interface FastifyContextConfig {
    /** The requests of a batch are observed one by one. */
    isBatch?: boolean;
  }
}

/** The path of a request, without its query string. */
export const pathOf = ({ url }: Pick<FastifyRequest, 'url'>): string => url.split('?', 1)[0] ?? '';

function observeRequests(server: FastifyInstance, metrics: Registry): void {
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last byte of its answer.',
    labelNames: ['method', 'status'] as const,
    registers: [metrics],
  });
  server.decorateRequest('details');
  server.decorateRequest('isStream', false);
  server.decorateRequest('logLevel', 'info');
  server.decorate('observe', ({ method, status, durationMs, details, level = 'info', ...request }) => {
    durations.observe({ method, status: String(status) }, durationMs / 1_000);
    server.log[level]({ method, status, durationMs, ...request, ...details }, 'request');
  });
  server.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
    const path = pathOf(request);
    if (OPERATOR_PATHS.has(path) || request.routeOptions.config.isBatch || request.isStream) return;
    const { id: requestId, method, details, logLevel: level } = request;
    server.observe({ requestId, method, path, status: statusCode, durationMs: elapsedTime, details, level });
  });
}

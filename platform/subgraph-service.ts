import type { FastifyInstance } from 'fastify';
import { createDatabasePool, prismaAdapter } from './database/database.ts';
import { databaseDebug } from './database/debug.ts';
import { createPruning, type Prune } from './database/pruning.ts';
import { createSqlClient } from './database/transactions.ts';
import { createErrorMask } from './graphql/error-mask.ts';
import { type RequestContext, type SubgraphSchema, serveSubgraph } from './graphql/graphql-server.ts';
import { serveDebugEndpoints } from './http/debug-endpoints.ts';
import { createHttpServer, WAITING_CONNECTIONS_MAX } from './http/http-server.ts';
import { createAuthenticator } from './identity/identity.ts';
import { createBroker } from './messaging/broker.ts';
import { brokerDebug } from './messaging/debug.ts';
import type { SubgraphSettings } from './process/config.ts';
import type { DebugSource, DebugSources } from './process/debug.ts';
import { createProcess } from './process/process.ts';
import { type ReadinessCheck, stateCheck, warningCheck } from './process/readiness.ts';

const BODY_LIMIT_BYTES = 4 * 1_024 * 1_024;

/**
 * Creates the parts that every subgraph uses. They stop in the reverse order of their start. The database and the broker
 * are connected in the background, so that the subgraph can start while they are down.
 */
export function createSubgraphService(name: string, settings: SubgraphSettings) {
  const process = createProcess(name, settings);
  const { logger, metrics, lifecycle } = process;
  const pool = createDatabasePool(settings, process);
  lifecycle.onStop('database', () => pool.end());
  const broker = createBroker({ settings, name, logger });
  lifecycle.onStop('broker', () => broker.close());
  const authenticate = createAuthenticator({
    publicKeys: settings.JWT_PUBLIC_KEYS,
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
  });
  const optionalChecks: Record<string, ReadinessCheck> = { broker: stateCheck(broker.isConnected, 'disconnected') };
  const debugSources: DebugSources = { db: databaseDebug(pool, settings), nats: brokerDebug(broker) };

  return {
    ...process,
    /** For Prisma clients. */
    adapter: prismaAdapter(pool),
    /** Runs raw SQL directly on the pool. */
    sql: createSqlClient(pool),
    broker,
    /**
     * Adds a dependency without which the service can work for a while. /ready reports its health under its name, and
     * its warnings under `<name> bounds`. `/debug/redis` reports its connection to Redis, if it has one. It is stopped
     * with the service.
     */
    addOptionalDependency(
      part: string,
      {
        isHealthy,
        warning,
        redis,
        stop,
      }: { isHealthy(): boolean; warning?(): string | undefined; redis?: DebugSource; stop(): Promise<unknown> },
    ): void {
      if (redis !== undefined) debugSources.redis = redis;
      optionalChecks[part] = stateCheck(isHealthy, 'failing');
      if (warning !== undefined) optionalChecks[`${part} bounds`] = warningCheck(warning);
      lifecycle.onStop(part, stop);
    },
    /** Starts to delete rows whose retention is over. */
    prune(prunes: Readonly<Record<string, Prune>>): void {
      lifecycle.onStop('pruning', createPruning({ prunes, logger, metrics }).stop);
    },
    /** Serves the schema at /graphql and starts to listen. `routes` adds further routes, which are public. */
    async serve<Context extends RequestContext>({
      routes,
      ...graph
    }: SubgraphSchema<Context> & {
      acceptedProofs: readonly string[];
      createContext: (request: RequestContext) => Context;
      routes?: (http: FastifyInstance) => void;
    }): Promise<void> {
      const http = createHttpServer({
        logger,
        metrics,
        lifecycle,
        required: { database: () => pool.query('SELECT 1') },
        optional: optionalChecks,
        bodyLimitBytes: BODY_LIMIT_BYTES,
      });
      await serveSubgraph({ ...graph, http, authenticate, formatError: createErrorMask(logger) });
      if (settings.DEBUG_ENDPOINTS) serveDebugEndpoints(http, { authenticate, sources: debugSources });
      routes?.(http);
      lifecycle.onStop('http', () => http.close());
      await http.listen({ host: settings.HOST, port: settings.PORT, backlog: WAITING_CONNECTIONS_MAX });
    },
  };
}

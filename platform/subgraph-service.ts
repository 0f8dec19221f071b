import type { FastifyInstance } from 'fastify';
import type { JSONWebKeySet } from 'jose';
import type { Pool } from 'mariadb';
import type { Registry } from 'prom-client';
import { createDatabasePool, type DatabaseSettings, type SqlClient } from './database/database.ts';
import { createSqlClient } from './database/transactions.ts';
import { createErrorMask } from './graphql/error-mask.ts';
import { type RequestContext, type SubgraphSchema, serveSubgraph } from './graphql/graphql-server.ts';
import { createHttpServer } from './http/http-server.ts';
import { type Authenticate, createAuthenticator } from './identity/identity.ts';
import { type Broker, type BrokerSettings, createBroker } from './messaging/broker.ts';
import { createLifecycle, type Lifecycle } from './process/lifecycle.ts';
import { createLogger, type Logger } from './process/logger.ts';
import { createMetrics } from './process/metrics.ts';
import { type ReadinessCheck, stateCheck, warningCheck } from './process/readiness.ts';

export interface SubgraphSettings extends DatabaseSettings, BrokerSettings {
  HOST: string;
  PORT: number;
  LOG_LEVEL: string;
  DRAIN_DELAY_MS: number;
  STOP_TIMEOUT_MS: number;
  JWT_ISSUER: string;
  JWT_AUDIENCE: string;
  JWT_PUBLIC_KEYS: JSONWebKeySet;
}

/** The parts that every subgraph uses. They stop in the reverse order of their start. */
export interface SubgraphService {
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly lifecycle: Lifecycle;
  readonly pool: Pool;
  /** Runs raw SQL directly on the pool. */
  readonly sql: SqlClient;
  readonly broker: Broker;
  readonly authenticate: Authenticate;
  /**
   * Adds a dependency without which the service can work for a while. /ready reports its health under its name, and its
   * warnings under `<name> bounds`. It is stopped with the service.
   */
  addOptionalDependency(
    name: string,
    part: { isHealthy(): boolean; warning?(): string | undefined; stop(): Promise<unknown> },
  ): void;
  /** Serves the schema at /graphql and starts to listen. */
  serve<Context extends RequestContext>(
    graph: SubgraphSchema<Context> & {
      acceptedProofs: readonly string[];
      createContext: (request: RequestContext) => Context;
      /** Adds further routes of the service. They are public. */
      routes?: (http: FastifyInstance) => void;
    },
  ): Promise<FastifyInstance>;
}

const BODY_LIMIT_BYTES = 4 * 1_024 * 1_024;

/** Connects a subgraph to its database and broker in the background, so that it can start while they are down. */
export function createSubgraphService(name: string, settings: SubgraphSettings): SubgraphService {
  const logger = createLogger({ service: name, level: settings.LOG_LEVEL });
  const metrics = createMetrics(name);
  const lifecycle = createLifecycle({
    logger,
    drainDelayMs: settings.DRAIN_DELAY_MS,
    stopTimeoutMs: settings.STOP_TIMEOUT_MS,
  });
  const pool = createDatabasePool(settings);
  lifecycle.onStop('database', () => pool.end());
  const broker = createBroker({ settings, name, logger });
  lifecycle.onStop('broker', () => broker.close());
  const authenticate = createAuthenticator({
    publicKeys: settings.JWT_PUBLIC_KEYS,
    issuer: settings.JWT_ISSUER,
    audience: settings.JWT_AUDIENCE,
  });
  const optionalChecks: Record<string, ReadinessCheck> = { broker: stateCheck(broker.isConnected, 'disconnected') };

  return {
    logger,
    metrics,
    lifecycle,
    pool,
    sql: createSqlClient(pool),
    broker,
    authenticate,
    addOptionalDependency(part, { isHealthy, warning, stop }) {
      optionalChecks[part] = stateCheck(isHealthy, 'failing');
      if (warning !== undefined) optionalChecks[`${part} bounds`] = warningCheck(warning);
      lifecycle.onStop(part, stop);
    },
    async serve({ routes, ...graph }) {
      const http = createHttpServer({
        logger,
        metrics,
        lifecycle,
        required: { database: () => pool.query('SELECT 1') },
        optional: optionalChecks,
        bodyLimitBytes: BODY_LIMIT_BYTES,
      });
      await serveSubgraph({ ...graph, http, authenticate, formatError: createErrorMask(logger) });
      routes?.(http);
      lifecycle.onStop('http', () => http.close());
      await http.listen({ host: settings.HOST, port: settings.PORT });
      return http;
    },
  };
}

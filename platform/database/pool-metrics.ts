import type { Pool, PoolConnection } from 'mariadb';
import { Gauge, Histogram, type Registry } from 'prom-client';
import type { Logger } from '../process/logger.ts';
import { createOutageLog } from '../process/outage-log.ts';

/** Measures the use of a pool and the waits for its connections. Logs when it begins and ends to have no connection. */
export function observePool(pool: Pool, { metrics, logger }: { metrics: Registry; logger: Logger }): void {
  const registers = [metrics];
  new Gauge({
    name: 'database_pool_connections',
    help: 'Connections of the pool by state.',
    labelNames: ['state'] as const,
    registers,
    collect() {
      this.set({ state: 'active' }, pool.activeConnections());
      this.set({ state: 'idle' }, pool.idleConnections());
    },
  });
  new Gauge({
    name: 'database_pool_waiting',
    help: 'Statements and transactions that wait for a connection.',
    registers,
    collect() {
      this.set(pool.taskQueueSize());
    },
  });
  const waits = new Histogram({
    name: 'database_pool_wait_seconds',
    help: 'Time until a connection was handed out.',
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const outageLog = createOutageLog({
    logger,
    began: 'the database gives no connection, or all connections are in use',
    over: 'the database gives connections again',
  });
  const acquire = pool.getConnection.bind(pool);
  Object.assign(pool, {
    async getConnection(): Promise<PoolConnection> {
      const startedAtMs = performance.now();
      try {
        const connection = await acquire();
        outageLog.succeeded();
        waits.observe((performance.now() - startedAtMs) / 1_000);
        return connection;
      } catch (error) {
        outageLog.failed({ err: error });
        throw error;
      }
    },
  });
}

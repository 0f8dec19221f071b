import { randomBytes } from 'node:crypto';
import type { Sql } from '@prisma/client/runtime/client';
import type { Connection, Pool } from 'mariadb';
import { Registry } from 'prom-client';
import { inject } from 'vitest';
import { createDatabasePool, type SqlClient, type SqlExecutor } from '../database/database.ts';
import { type Broker, createBroker } from '../messaging/broker.ts';
import type { OutgoingMessage } from '../messaging/message.ts';
import { databaseSettings, parseConfig } from '../process/config.ts';
import { createLogger } from '../process/logger.ts';

/** A silent logger and a new registry, for the consumers and relays of a test. */
export const quiet = () => ({ logger: createLogger({ service: 'test', level: 'silent' }), metrics: new Registry() });

/** A broker connection with its own prefix, so that no other test uses the same streams. */
export function createTestBroker({
  url = inject('servers').natsUrl,
  prefix = `t${randomBytes(6).toString('hex')}.`,
} = {}): Broker & { url: string; prefix: string } {
  const settings = { NATS_URL: url, NATS_REPLICAS: 1, NATS_SUBJECT_PREFIX: prefix };
  return { url, prefix, ...createBroker({ settings, name: 'test', logger: quiet().logger }) };
}

/** The platform's interface to a database, implemented with the driver only. */
export function createSqlClient(url: string): SqlClient & { pool: Pool } {
  const pool = createDatabasePool(parseConfig(databaseSettings('test'), { DATABASE_URL: url }));
  return {
    pool,
    ...executor(pool),
    async $transaction(run) {
      const connection = await pool.getConnection();
      try {
        await connection.beginTransaction();
        const result = await run(executor(connection));
        await connection.commit();
        return result;
      } catch (error) {
        await connection.rollback();
        throw error;
      } finally {
        await connection.release();
      }
    },
  };
}

const executor = (connection: Pick<Connection, 'query'>): SqlExecutor => ({
  $queryRaw: ({ sql, values }: Sql) => connection.query(sql, values),
  $executeRaw: async ({ sql, values }: Sql) => (await connection.query(sql, values)).affectedRows,
});

/** A message for tests. */
export const testMessage = (id: string, type: string, data: unknown = {}): OutgoingMessage => ({
  id,
  type,
  subject: id,
  time: new Date(),
  correlationId: 'test',
  data,
});

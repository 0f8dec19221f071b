import { randomBytes } from 'node:crypto';
import type { Pool } from 'mariadb';
import { Registry } from 'prom-client';
import { inject } from 'vitest';
import { createDatabasePool, type SqlClient } from '../database/database.ts';
import { createSqlClient } from '../database/transactions.ts';
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

/** Connects to a database as a service does. */
export function connectSql(url: string): SqlClient & { pool: Pool } {
  const pool = createDatabasePool(parseConfig(databaseSettings('test'), { DATABASE_URL: url }));
  return { pool, ...createSqlClient(pool) };
}

/** A message for tests. */
export const testMessage = (id: string, type: string, data: unknown = {}): OutgoingMessage => ({
  id,
  type,
  subject: id,
  time: new Date(),
  correlationId: 'test',
  data,
});

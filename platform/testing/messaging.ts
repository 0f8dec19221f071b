import { randomBytes } from 'node:crypto';
import { connect, createServer, type Socket } from 'node:net';
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

/**
 * The point at which a proxied connection stops: when this side sends a matching chunk. `said` is all that the client
 * has sent.
 */
export interface StoppingPoint {
  readonly from: 'client' | 'server';
  isReached(chunk: string, said: string): boolean;
  /** The proxy also hides the closing of the connection, like a failed machine or network. */
  readonly hidesClose?: boolean;
}

/**
 * Starts a TCP proxy for tests. It can close its connections and refuse new ones, like a server that is down. It can
 * also stop one connection at a point: no data passes any more, so that each side sees the other as slow.
 */
export async function createProxy(target: string) {
  const url = new URL(target);
  const [host, port] = [url.hostname, Number(url.port)];
  const sockets = new Set<Socket>();
  let open = true;
  let refused = 0;
  let point: (StoppingPoint & { reach(): void }) | undefined;

  const server = createServer((client) => {
    if (!open) {
      refused += 1;
      client.destroy();
      return;
    }
    const upstream = connect(port, host);
    let said = '';
    let stopped = false;
    let hidesClose = false;
    for (const [from, one, other] of [
      ['client', client, upstream],
      ['server', upstream, client],
    ] as const) {
      sockets.add(one);
      one.on('data', (bytes) => {
        const chunk = bytes.toString('latin1');
        if (!stopped && point?.from === from && point.isReached(chunk, said)) {
          stopped = true;
          hidesClose = point.hidesClose ?? false;
          point.reach();
          point = undefined;
        }
        if (from === 'client') said += chunk;
        if (!stopped && !other.write(bytes)) one.pause();
      });
      other.on('drain', () => one.resume());
      one.on('end', () => hidesClose || other.end());
      one.on('error', () => hidesClose || other.destroy());
      one.on('close', () => sockets.delete(one) && (hidesClose || other.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address === 'object' && address !== null) url.port = String(address.port);
  /** Closes all connections, or resets them as the kernel does when a process with unread data is killed. */
  const cut = (how: 'close' | 'reset' = 'close') => {
    open = false;
    for (const socket of sockets) how === 'reset' ? socket.resetAndDestroy() : socket.destroy();
  };
  return {
    url: url.href,
    /** Stops the first connection that reaches the point; resolves when it is reached. */
    stopAt: (where: StoppingPoint) =>
      new Promise<void>((reach) => {
        point = { ...where, reach };
      }),
    cut,
    /** How many connections it has refused so far. */
    refusedCount: () => refused,
    restore: () => {
      open = true;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}

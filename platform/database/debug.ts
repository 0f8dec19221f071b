import { type Connection, createConnection, type Pool } from 'mariadb';
import { databaseUrl, driverOptions } from '../connections/mysql.ts';
import { sqlErrorNumber } from '../errors/sql-error.ts';
import type { DebugSource } from '../process/debug.ts';
import type { DatabaseSettings } from './database.ts';

const CONNECTION_TIMEOUT_MS = 2_000;
/** INNODB_TRX has times of the system's time zone. MariaDB executes the first comment, MySQL the second one. */
const SESSION_SQL = `SET SESSION time_zone = 'SYSTEM'
  /*M!100300 , SESSION max_statement_time = 0.5 */ /*!80000 , SESSION max_execution_time = 500 */`;

const VARIABLES = ['version', 'version_comment', 'max_connections', 'read_only', 'super_read_only'];
const STATUS = [
  ...['Uptime', 'Threads_connected', 'Threads_running', 'Max_used_connections', 'Aborted_connects'],
  ...['Connection_errors_max_connections', 'Innodb_row_lock_current_waits', 'Slow_queries'],
];
const GALERA = ['cluster_size', 'cluster_status', 'local_state_comment', 'ready', 'connected', 'flow_control_paused'];
const GALERA_STATUS = [...GALERA, 'local_recv_queue', 'local_cert_failures', 'local_bf_aborts'].map(
  (name) => `wsrep_${name}`,
);
/** The columns have other names on MariaDB. */
const REPLICA_COLUMN = /^((Replica|Slave)_(IO|SQL)_(Running|State)|Seconds_Behind_\w+|Last_(IO|SQL)_Errno)$/;

type Row = Record<string, unknown>;
type Read = (statement: string) => Promise<Row[]>;

const named = (names: readonly string[]) => `Variable_name IN (${names.map((name) => `'${name}'`).join()})`;

/** Each part of the answer, read by a statement of its own because the account may lack the right for some of them. */
const PARTS: Readonly<Record<string, (read: Read, threadId: number | null) => Promise<unknown>>> = {
  server: async (read) => ({
    ...valuesOf(await read(`SHOW GLOBAL VARIABLES WHERE ${named(VARIABLES)}`)),
    ...valuesOf(await read(`SHOW GLOBAL STATUS WHERE ${named(STATUS)}`)),
  }),
  async galera(read) {
    const [isOn] = await read("SHOW GLOBAL VARIABLES WHERE Variable_name = 'wsrep_on' AND Value = 'ON'");
    return isOn ? valuesOf(await read(`SHOW GLOBAL STATUS WHERE ${named(GALERA_STATUS)}`)) : 'not a cluster';
  },
  async replication(read) {
    const sources = await read('SHOW REPLICA STATUS');
    if (sources.length === 0) return 'not a replica';
    return sources.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => REPLICA_COLUMN.test(name))));
  },
  /** Without the right PROCESS, these are the connections of the own account. */
  async connections(read, threadId) {
    const others = (await read('SHOW PROCESSLIST')).filter(({ Id }) => Id !== threadId);
    const running = others.filter(({ Command }) => !/^(Sleep|Daemon|Binlog Dump.*)$/.test(String(Command)));
    const longestStatementSeconds = Math.max(0, ...running.map(({ Time }) => Number(Time)));
    return { total: others.length, running: running.length, longestStatementSeconds };
  },
  async transactions(read) {
    const [open] = await read(`
      SELECT COUNT(*) AS open, COALESCE(SUM(trx_state = 'LOCK WAIT'), 0) AS waitingForLock,
        COALESCE(TIMESTAMPDIFF(SECOND, MIN(trx_started), NOW()), 0) AS longestSeconds
      FROM information_schema.INNODB_TRX`);
    return open;
  },
  /** A digest text has `?` in place of each value. Times of the performance schema are in picoseconds. */
  slowestStatements: (read) =>
    read(`
      SELECT DIGEST AS digest, LEFT(DIGEST_TEXT, 300) AS text, COUNT_STAR AS executions,
        SUM_TIMER_WAIT / 1e12 AS totalSeconds, MAX_TIMER_WAIT / 1e12 AS longestSeconds,
        SUM_ROWS_EXAMINED AS rowsExamined
      FROM performance_schema.events_statements_summary_by_digest
      WHERE SCHEMA_NAME = DATABASE() ORDER BY SUM_TIMER_WAIT DESC LIMIT 10`),
};

/** Answers of the server that concern only one part: missing rights, missing tables or statements, the time limit. */
const PART_ERRORS: ReadonlyMap<number | undefined, string> = new Map([
  ...[1044, 1142, 1143, 1227].map((number) => [number, 'not permitted'] as const),
  ...[1064, 1109, 1146, 1193].map((number) => [number, 'not available'] as const),
  ...[1317, 1969, 3024].map((number) => [number, 'took too long'] as const),
]);

/**
 * The state of a database and of the pool of its connections. It is read on a connection of its own, so that it also
 * answers while the pool is exhausted.
 */
export const databaseDebug = (pool: Pool, settings: DatabaseSettings): DebugSource => ({
  known: () => ({
    pool: {
      active: pool.activeConnections(),
      idle: pool.idleConnections(),
      total: pool.totalConnections(),
      waiting: pool.taskQueueSize(),
      limit: settings.DATABASE_POOL_MAX,
    },
  }),
  async ask() {
    const connection = await createConnection({
      ...driverOptions(databaseUrl(settings)),
      initSql: SESSION_SQL,
      connectTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: CONNECTION_TIMEOUT_MS,
      bigIntAsNumber: true,
      decimalAsNumber: true,
    });
    try {
      return await readParts(connection);
    } finally {
      connection.destroy();
    }
  },
});

async function readParts(connection: Connection): Promise<object> {
  const answer: Row = {};
  for (const [name, readPart] of Object.entries(PARTS)) {
    try {
      answer[name] = await readPart((statement) => connection.query(statement), connection.threadId);
    } catch (error) {
      const reason = PART_ERRORS.get(sqlErrorNumber(error));
      if (reason === undefined) throw error;
      answer[name] = reason;
    }
  }
  return answer;
}

/** Returns the values of a SHOW statement by their names in lower case. */
function valuesOf(rows: readonly Row[]): object {
  const entries = rows.map(({ Variable_name: name, Value: value }) => {
    return [String(name).toLowerCase(), /^\d+$/.test(String(value)) ? Number(value) : value];
  });
  return Object.fromEntries(entries);
}

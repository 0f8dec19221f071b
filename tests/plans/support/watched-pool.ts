import type { Connection, Pool, PoolConnection } from 'mariadb';

/** A statement that the code sent, with its plan and its cost. */
export interface WatchedStatement {
  readonly sql: string;
  /** How it reads each table, without duplicates: "bookings: ref PRIMARY", or "bookings: ALL" without an index. */
  readonly access: readonly string[];
  /** The number of rows and index entries that the database read for it. */
  readonly reads: number;
  readonly ms: number;
}

interface PlanRow {
  select_type: string | null;
  table: string | null;
  type: string | null;
  key: string | null;
  Extra: string | null;
}

export const NO_INDEX = 'ALL';

const EXPLAINABLE = /^[\s(]*(?:SELECT|INSERT|UPDATE|DELETE)\b/i;

/**
 * Wraps a pool. Each statement is explained on its own connection just before it runs, and its reads and time are
 * measured. `take` returns the statements since the last call.
 */
export function watchPool(pool: Pool): { pool: Pool; take(): WatchedStatement[]; readonly sent: ReadonlySet<string> } {
  let statements: WatchedStatement[] = [];
  const sent = new Set<string>();

  /** Runs the statements of one text one after another. Each placeholder belongs to the next value. */
  async function queryEach(connection: PoolConnection, statements: readonly string[], values: readonly unknown[]) {
    let used = 0;
    for (const statement of statements) {
      const own = values.slice(used, used + statement.split('?').length - 1);
      used += own.length;
      await connection.query(statement, own);
    }
  }

  const watchConnection = (connection: PoolConnection): PoolConnection =>
    replace(connection, {
      async query(query: string | { sql: string }, values: unknown = []) {
        const sql = typeof query === 'string' ? query : query.sql;
        const several = sql.split(';');
        if (several.length > 1) return queryEach(watchConnection(connection), several, values as unknown[]);
        if (!EXPLAINABLE.test(sql)) return connection.query(query, values);
        sent.add(sql);
        const plan = await connection.query<PlanRow[]>(`EXPLAIN FORMAT=TRADITIONAL ${sql}`, values);
        const atFirst = await countReads(connection);
        const before = await countReads(connection);
        const startMs = performance.now();
        const result = await connection.query(query, values);
        const ms = performance.now() - startMs;
        // The status query itself causes reads, the same number each time.
        const reads = (await countReads(connection)) - before - (before - atFirst);
        statements.push({
          sql: sql.replaceAll(/\s+/g, ' ').trim(),
          access: [...new Set(plan.flatMap(accessOf))],
          reads,
          ms,
        });
        return result;
      },
    });

  return {
    pool: replace(pool, {
      getConnection: async () => watchConnection(await pool.getConnection()),
      async query(query: string | { sql: string }, values?: unknown) {
        const connection = await pool.getConnection();
        try {
          return await watchConnection(connection).query(query, values);
        } finally {
          await connection.release();
        }
      },
    }),
    sent,
    take() {
      const taken = statements;
      statements = [];
      return taken;
    },
  };
}

/** The object with some methods replaced. The others keep their `this`, because they need its private fields. */
const replace = <Target extends object>(target: Target, methods: Record<string, unknown>): Target =>
  new Proxy(target, {
    get(_, name) {
      if (typeof name === 'string' && Object.hasOwn(methods, name)) return methods[name];
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });

/** How a row of a plan reads a table. Empty for rows without a real table, and for the target of an INSERT. */
function accessOf({ select_type, table, type, key, Extra }: PlanRow): WatchedStatement['access'] {
  const isTable = table !== null && !table.startsWith('<') && !/Table function/i.test(Extra ?? '');
  if (!isTable || type === null || select_type === 'INSERT') return [];
  return [`${table}: ${type === 'ALL' || key === null ? NO_INDEX : `${type} ${key}`}`];
}

async function countReads(connection: Connection): Promise<number> {
  const rows = await connection.query<{ Value: string }[]>("SHOW SESSION STATUS LIKE 'Handler_read%'");
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0);
}

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { inject } from 'vitest';
import { applyMigrations, openConnection } from '../database/migrations.ts';

export interface TestDatabase {
  /** The URL of an account with all privileges. */
  url: string;
  /** The URL of an account with the privileges of a service: it can read and write, but not change the schema. */
  serviceUrl: string;
  /** Drops the database and its account. */
  drop(): Promise<void>;
}

/**
 * Creates a database for one test. It is empty, or has the migrations of the Prisma folder `schema` (such as
 * `booking`). It is on the server that all tests share, or on the server at `adminUrl`.
 */
export async function createTestDatabase(
  schema?: string,
  adminUrl = inject('servers').adminUrl,
): Promise<TestDatabase> {
  const id = randomBytes(6).toString('hex');
  const name = `test_${schema ?? 'empty'}_${id}`;
  const run = async (sql: string) => {
    const connection = await openConnection(adminUrl);
    await connection.query(sql);
    await connection.end();
  };
  await run(`CREATE DATABASE ${name}`);
  const url = Object.assign(new URL(adminUrl), { pathname: name }).href;
  // MySQL limits user names to 32 characters.
  const service = { user: `svc_${id}`, password: randomBytes(16).toString('hex') };
  await run(`CREATE USER '${service.user}'@'127.0.0.1' IDENTIFIED BY '${service.password}'`);
  await run(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO '${service.user}'@'127.0.0.1'`);
  const serviceUrl = Object.assign(new URL(url), { username: service.user, password: service.password }).href;
  const folder = schema && join(import.meta.dirname, '../../prisma', schema, 'migrations');
  if (folder) await applyMigrations({ url, folder });
  const drop = async () => {
    await run(`DROP DATABASE ${name}`);
    await run(`DROP USER '${service.user}'@'127.0.0.1'`);
  };
  return { url, serviceUrl, drop };
}

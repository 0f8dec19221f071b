import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { PrismaClient } from '../../subgraphs/user/generated/prisma/client.ts';
import type { UserDatabase } from '../../subgraphs/user/store/users.ts';
import { loadSecrets } from './secrets.ts';
import { databaseUrlOf } from './servers/database-accounts.ts';
import { givenDatabaseUrl, LocalError, loadEnvironment, readSettings } from './settings.ts';

/** Returns the database of `npm start`, unless DATABASE_URL_USER or, in a container, DATABASE_URL names another. */
export async function userDatabaseUrl(): Promise<string> {
  const env = loadEnvironment();
  const settings = readSettings(env);
  return (
    settings.given.databaseUrls.user ??
    givenDatabaseUrl(env, 'DATABASE_URL') ??
    databaseUrlOf('user', settings, await loadSecrets(settings.dataDir))
  );
}

/** Opens the user database for some work and closes it. @throws LocalError when the database cannot be reached */
export async function withUserDatabase<Result>(
  url: string,
  work: (database: UserDatabase) => Promise<Result>,
): Promise<Result> {
  const pool = createDatabasePool(parseConfig(databaseSettings('user_db'), { DATABASE_URL: url }));
  try {
    return await work(new PrismaClient({ adapter: prismaAdapter(pool) }));
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new LocalError('The user database cannot be reached. Is the system running?', { cause: error });
  } finally {
    await pool.end();
  }
}

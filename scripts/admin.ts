/**
 * npm run admin -- grant | revoke <email>
 *
 * Grants a registered user the role ADMIN, or sets it back to USER. The new role is in the user's next access token,
 * which they get at the next refresh or sign-in. An access token is valid for 15 minutes by default. The command uses
 * the database of `npm start`, unless DATABASE_URL_USER or, in a container, DATABASE_URL names another.
 */
import { createDatabasePool, prismaAdapter } from '#platform/database/database.ts';
import { isUnavailable } from '#platform/errors/outages.ts';
import { databaseSettings, parseConfig } from '#platform/process/config.ts';
import { PrismaClient } from '../subgraphs/user/generated/prisma/client.ts';
import { setRole } from '../subgraphs/user/store/users.ts';
import { runScript } from './local/run-script.ts';
import { loadSecrets } from './local/secrets.ts';
import { databaseUrlOf } from './local/servers/database-accounts.ts';
import { givenDatabaseUrl, LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const ROLES = { grant: 'ADMIN', revoke: 'USER' } as const;
const USAGE = 'Usage: npm run admin -- grant | revoke <email>';

/** @throws LocalError when there is no such user, or when the database cannot be reached */
async function setRoleOf(email: string, role: (typeof ROLES)[keyof typeof ROLES], url: string): Promise<void> {
  const pool = createDatabasePool(parseConfig(databaseSettings('user_db'), { DATABASE_URL: url }));
  try {
    const database = new PrismaClient({ adapter: prismaAdapter(pool) });
    if (!(await setRole(database, email.trim().toLowerCase(), role)))
      throw new LocalError(`No user is registered as ${email}.`);
  } catch (error) {
    if (!isUnavailable(error)) throw error;
    throw new LocalError('The user database cannot be reached. Is the system running?', { cause: error });
  } finally {
    await pool.end();
  }
}

async function main(): Promise<void> {
  const [command = '', email, ...rest] = process.argv.slice(2);
  if (!Object.hasOwn(ROLES, command) || email === undefined || rest.length > 0) throw new LocalError(USAGE);
  const role = ROLES[command as keyof typeof ROLES];
  const env = loadEnvironment();
  const settings = readSettings(env);
  const url =
    settings.given.databaseUrls.user ??
    givenDatabaseUrl(env, 'DATABASE_URL') ??
    databaseUrlOf('user', settings, await loadSecrets(settings.dataDir));
  await setRoleOf(email, role, url);
  console.log(`${email} will have the role ${role} after the next refresh or sign-in.`);
}

await runScript(main);

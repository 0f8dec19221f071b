/**
 * npm run admin -- grant | revoke <email>
 *
 * Grants a registered user the role ADMIN, or sets it back to USER. The new role is in the user's next access token,
 * which they get at the next refresh or sign-in. An access token is valid for 15 minutes by default. The command uses
 * the database of `npm start`, unless DATABASE_URL_USER or, in a container, DATABASE_URL names another.
 */
import { setRole } from '../subgraphs/user/store/users.ts';
import { runScript } from './local/run-script.ts';
import { LocalError } from './local/settings.ts';
import { userDatabaseUrl, withUserDatabase } from './local/user-database.ts';

const ROLES = { grant: 'ADMIN', revoke: 'USER' } as const;
const USAGE = 'Usage: npm run admin -- grant | revoke <email>';

async function main(): Promise<void> {
  const [command = '', email, ...rest] = process.argv.slice(2);
  if (!Object.hasOwn(ROLES, command) || email === undefined || rest.length > 0) throw new LocalError(USAGE);
  const role = ROLES[command as keyof typeof ROLES];
  const isRegistered = await withUserDatabase(await userDatabaseUrl(), (database) =>
    setRole(database, email.trim().toLowerCase(), role),
  );
  if (!isRegistered) throw new LocalError(`No user is registered as ${email}.`);
  console.log(`${email} will have the role ${role} after the next refresh or sign-in.`);
}

await runScript(main);

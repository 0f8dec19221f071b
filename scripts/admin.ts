/**
 * npm run admin -- grant | revoke <email>
 * npm run admin -- delete <email or id>
 *
 * grant gives a registered user the role ADMIN, and revoke sets it back to USER. The new role is in the user's next access
 * token, which they get at the next refresh or sign-in. An access token is valid for 15 minutes by default. delete does
 * what deleteAccount does, for a user who cannot sign in. The running user subgraph publishes the message about it. The
 * command uses the database of `npm start`, unless DATABASE_URL_USER or, in a container, DATABASE_URL names another.
 */
import { v7 as newId } from 'uuid';
import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { isId } from '#platform/errors/validation.ts';
import { eraseUser } from '../subgraphs/user/commands/erase-user.ts';
import { findCredentials, lockUser, setRole, type UserDatabase } from '../subgraphs/user/store/users.ts';
import { runScript } from './local/run-script.ts';
import { LocalError } from './local/settings.ts';
import { userDatabaseUrl, withUserDatabase } from './local/user-database.ts';

const USAGE = 'Usage: npm run admin -- grant | revoke <email>, or delete <email or id>';

const settingRole = (role: 'ADMIN' | 'USER') => ({
  apply: (database: UserDatabase, user: string) => setRole(database, user, role),
  done: `will have the role ${role} after the next refresh or sign-in.`,
});

const COMMANDS = {
  grant: settingRole('ADMIN'),
  revoke: settingRole('USER'),
  delete: { apply: deleteUser, done: 'is deleted.' },
};

/** Deletes the account of a user. Returns false when there is no such user, or no longer. */
async function deleteUser(database: UserDatabase, user: string): Promise<boolean> {
  const userId = isId(user) ? user : (await findCredentials(database, user))?.user.id;
  if (userId === undefined) return false;
  return database.$transaction(async (transaction) => {
    if ((await lockUser(transaction, userId)) === null) return false;
    await eraseUser(transaction, { userId, messageId: newId(), requestId: 'admin' });
    return true;
  }, TRANSACTION_LIMITS);
}

async function main(): Promise<void> {
  const [command = '', user, ...rest] = process.argv.slice(2);
  if (!Object.hasOwn(COMMANDS, command) || user === undefined || rest.length > 0) throw new LocalError(USAGE);
  const { apply, done } = COMMANDS[command as keyof typeof COMMANDS];
  const isFound = await withUserDatabase(await userDatabaseUrl(), (database) =>
    apply(database, user.trim().toLowerCase()),
  );
  if (!isFound) throw new LocalError(`No user is registered as ${user}.`);
  console.log(`${user} ${done}`);
}

await runScript(main);

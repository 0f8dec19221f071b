import { v7 as newId } from 'uuid';
import { TRANSACTION_LIMITS } from '#platform/database/database.ts';
import { createPasswords } from '../../subgraphs/user/credentials/passwords.ts';
import { publishUserRegistered } from '../../subgraphs/user/messaging/user-registered.ts';
import { insertUser, type UserDatabase } from '../../subgraphs/user/store/users.ts';
import { DEMO_PASSWORD, type SeedUser } from './catalogue.ts';

const REQUEST_ID = 'seed';

/**
 * Registers the users who are not there, with the functions of the user subgraph: the public API limits the
 * registrations of an address to 60 an hour, and cannot register an admin. Returns the ids of all users by their e-mail
 * and the number of new ones. The relay of the running user subgraph publishes the messages about them.
 */
export async function registerUsers(
  database: UserDatabase,
  users: readonly SeedUser[],
): Promise<{ ids: Map<string, string>; added: number }> {
  const emails = users.map(({ email }) => email);
  const present = await database.user.findMany({ where: { email: { in: emails } }, select: { id: true, email: true } });
  const ids = new Map(present.map(({ id, email }) => [email, id]));
  const missing = users.filter(({ email }) => !ids.has(email));
  const passwordHash = missing.length > 0 ? await (await createPasswords()).hash(DEMO_PASSWORD) : '';
  for (const user of missing) {
    const added = { ...user, id: newId(), createdAt: new Date() };
    await database.$transaction(async (transaction) => {
      if (!(await insertUser(transaction, added, passwordHash))) return;
      await publishUserRegistered(transaction, { user: added, messageId: newId(), requestId: REQUEST_ID });
    }, TRANSACTION_LIMITS);
    ids.set(user.email, added.id);
  }
  return { ids, added: missing.length };
}

import { v7 as newId } from 'uuid';
import { describe, expect } from 'vitest';
import { prismaAdapter } from '#platform/database/database.ts';
import { PrismaClient } from '../../subgraphs/user/generated/prisma/client.ts';
import {
  deleteTokensOf,
  findTokenOwner,
  pruneTokens,
  saveToken,
  takeToken,
} from '../../subgraphs/user/store/account-tokens.ts';
import {
  deleteFamily,
  deleteSessionsOf,
  findSession,
  insertSession,
  listSessions,
  lockSessionOwner,
  markSessionUsed,
  pruneExpiredSessions,
  pruneUsedSessions,
} from '../../subgraphs/user/store/sessions.ts';
import {
  anonymizeUser,
  findCredentials,
  findCredentialsOf,
  findUsers,
  insertUser,
  listUsers,
  markEmailVerified,
  setPassword,
  setRole,
} from '../../subgraphs/user/store/users.ts';
import { testPlans } from './support/plans.ts';
import { EVENTS, idOf, idSql } from './support/rows.ts';

const USERS = EVENTS;
const LIMIT = 100;
const PRUNED = 1_000;

let database: PrismaClient;

const list = (after?: string) => ({
  isList: true,
  run: async () =>
    expect((await listUsers(database, { limit: LIMIT, after: after === undefined ? after : [after] })).length).toBe(
      LIMIT + 1,
    ),
});

describe(`the statements of the user subgraph, with ${USERS} users`, () => {
  testPlans('user', {
    async makeRows({ fill }) {
      await fill('users', USERS, {
        id: idSql('n'),
        name: "'Ada'",
        email: "CONCAT('ada', n, '@example.com')",
        password_hash: "'none'",
      });
      await fill('sessions', USERS, {
        id: idSql('n'),
        family_id: idSql('n DIV 4'),
        user_id: idSql('n DIV 8'),
        token_hash: 'SHA2(n, 256)',
        expires_at: 'CURRENT_TIMESTAMP(3) + INTERVAL IF(n % 10 = 0, -1, 20) DAY',
        used_at: 'IF(n % 4 = 3, NULL, CURRENT_TIMESTAMP(3) - INTERVAL IF(n % 8 = 0, 10, 1) DAY)',
      });
      await fill('account_tokens', USERS, {
        user_id: idSql('n'),
        kind: "'PASSWORD_RESET'",
        token_hash: 'SHA2(n, 256)',
        expires_at: 'CURRENT_TIMESTAMP(3) + INTERVAL IF(n % 10 = 0, -1, 20) DAY',
      });
    },
    open(pool) {
      database = new PrismaClient({ adapter: prismaAdapter(pool) });
    },
    cases: {
      'the first page of users': list(),
      'a middle page of users': list(idOf(USERS / 2)),
      'the last page of users': list(idOf(LIMIT + 5)),
      'users by their ids': {
        readsMax: 5_000,
        run: () =>
          findUsers(
            database,
            Array.from({ length: 1_000 }, (_, n) => idOf(n * 7)),
          ),
      },
      'a user by e-mail address': {
        async run() {
          expect(await findCredentials(database, 'ada7@example.com')).not.toBeNull();
          expect(await setRole(database, 'ada7@example.com', 'ADMIN')).toBe(true);
        },
      },
      'registering a user, opening a session, using its token and ending it': {
        run: () =>
          database.$transaction(async (transaction) => {
            const user = {
              id: newId(),
              name: 'Ada',
              email: `${newId()}@example.com`,
              role: 'USER',
              createdAt: new Date(),
            } as const;
            await insertUser(transaction, user, 'none');
            const session = { id: newId(), familyId: newId(), userId: user.id, tokenHash: 'a'.repeat(64), ttlS: 60 };
            await insertSession(transaction, session);
            expect(await lockSessionOwner(transaction, session.tokenHash)).toMatchObject({ id: user.id });
            expect(await findSession(transaction, session.tokenHash)).not.toBeNull();
            await markSessionUsed(transaction, session.id);
            await deleteFamily(transaction, session.familyId);
          }),
      },
      'the sessions of a user, and ending all but one': {
        async run() {
          const [session] = await listSessions(database, idOf(9));
          await database.$transaction((transaction) =>
            deleteSessionsOf(transaction, { userId: idOf(9), exceptFamilyId: session?.id }),
          );
        },
      },
      'a token: saving, finding and using it, then a new password and a verified e-mail': {
        run: () =>
          database.$transaction(async (transaction) => {
            const [userId, token] = [idOf(11), { kind: 'PASSWORD_RESET', tokenHash: 'b'.repeat(64) } as const];
            expect(await findCredentialsOf(database, userId)).not.toBeNull();
            expect(await saveToken(transaction, { ...token, userId, ttlS: 60 })).toBe(true);
            expect(await findTokenOwner(transaction, token)).toBe(userId);
            expect(await takeToken(transaction, token)).toBe(true);
            await setPassword(transaction, userId, 'another');
            await markEmailVerified(transaction, userId);
          }),
      },
      'deleting a user': {
        run: () =>
          database.$transaction(async (transaction) => {
            await anonymizeUser(transaction, idOf(13));
            await deleteTokensOf(transaction, idOf(13));
          }),
      },
      'pruning expired tokens of mails': {
        readsMax: PRUNED * 5,
        run: async () => expect(await pruneTokens(database)(PRUNED)).toBe(PRUNED),
      },
      'pruning expired sessions': {
        readsMax: PRUNED * 5,
        run: async () => expect(await pruneExpiredSessions(database)(PRUNED)).toBe(PRUNED),
      },
      'pruning sessions whose tokens were used long ago': {
        readsMax: PRUNED * 5,
        run: async () => expect(await pruneUsedSessions(database, 7)(PRUNED)).toBe(PRUNED),
      },
    },
  });
});

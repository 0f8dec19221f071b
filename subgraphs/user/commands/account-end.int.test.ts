import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startUserSubgraph, type UserSubgraph } from '../testing.ts';
import { createAccounts, INVALID_CREDENTIALS, INVALID_TOKEN } from './testing.ts';

let subgraph: UserSubgraph;
let accounts: ReturnType<typeof createAccounts>;
beforeAll(async () => {
  subgraph = await startUserSubgraph();
  accounts = createAccounts(subgraph);
});
afterAll(() => subgraph.stop());

describe('the sessions of a user', () => {
  const SESSIONS = '{ me { sessions { id createdAt lastUsedAt expiresAt current } } }';
  interface Listed {
    me: { sessions: { id: string; createdAt: string; lastUsedAt: string; expiresAt: string; current: boolean }[] };
  }
  const sessionsOf = async (session: { accessToken: string }) =>
    (await subgraph.ask<Listed>(SESSIONS, session)).data.me.sessions;

  it('are listed once each, newest first, with the one of the request', async () => {
    const first = await accounts.register();
    const second = await subgraph.signIn(first.email);
    const third = await subgraph.refresh(second.refreshToken);
    const listed = await sessionsOf(third);
    expect(listed.map(({ current }) => current)).toEqual([true, false]);
    expect((await sessionsOf(first)).map(({ current }) => current)).toEqual([false, true]);
    for (const { createdAt, lastUsedAt, expiresAt } of listed) {
      expect(Math.abs(Date.parse(lastUsedAt) - Date.parse(createdAt))).toBeLessThan(60_000);
      expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    }
  });

  it('are visible to no other user, and not to admins', async () => {
    const { user } = await accounts.register();
    const [admin, stranger] = [await subgraph.createAdmin(), await accounts.register()];
    const query = `{ user(id: "${user.id}") { id sessions { id } } }`;
    expect((await subgraph.ask(query, admin)).data).toEqual({ user: { id: user.id, sessions: null } });
    expect((await subgraph.ask(query, stranger)).data).toEqual({ user: null });
  });

  it('can be ended one by one, only by their user', async () => {
    const first = await accounts.register();
    const second = await subgraph.signIn(first.email);
    const other = (await sessionsOf(first)).find(({ current }) => !current);
    const end = (session: { accessToken: string }, id: string) =>
      accounts.mutate<boolean>('mutation ($id: ID!) { result: endSession(id: $id) }', { id }, session);
    const stranger = await accounts.register();
    for (const id of [other?.id ?? '', newId(), 'unknown\u0000', '']) expect(await end(stranger, id)).toBe(true);
    expect(await sessionsOf(first)).toHaveLength(2);
    expect(await end(first, other?.id ?? '')).toBe(true);
    expect(await end(first, other?.id ?? '')).toBe(true);
    expect(await accounts.isSignedIn(second)).toBe(false);
    expect(await accounts.isSignedIn(first)).toBe(true);
  });

  it('all end when the user signs out everywhere', async () => {
    const first = await accounts.register();
    const second = await subgraph.signIn(first.email);
    const stranger = await accounts.register();
    expect(await accounts.mutate<boolean>('mutation { result: signOutEverywhere }', {}, second)).toBe(true);
    expect([await accounts.isSignedIn(first), await accounts.isSignedIn(second)]).toEqual([false, false]);
    expect(await accounts.isSignedIn(stranger)).toBe(true);
  });
});

describe('deleting an account', () => {
  it('removes the person, ends everything and writes one message, also when it is repeated', async () => {
    const session = await accounts.register('Augusta Ada King');
    const { id } = session.user;
    await accounts.requestReset(session.email);
    const answers = await Promise.all([
      accounts.deleteAccount(session),
      accounts.deleteAccount(session),
      accounts.deleteAccount(session),
    ]);
    const again = await accounts.deleteAccount(session, 'any password');
    const deleted = { __typename: 'DeleteAccountPayload', deletedAt: again.deletedAt };
    expect([...answers, again].filter(({ __typename }) => __typename === 'DeleteAccountPayload')).toHaveLength(4);
    expect(answers).toEqual([deleted, deleted, deleted]);
    expect(await accounts.messagesOf('user.deleted.v1', id)).toEqual([{ userId: id }]);

    const row = await subgraph.database.user.findUniqueOrThrow({ where: { id } });
    expect(row).toMatchObject({ name: 'Deleted user', passwordHash: '', emailVerifiedAt: null });
    expect(JSON.stringify(row)).not.toContain(session.email);
    expect(await subgraph.database.session.count({ where: { userId: id } })).toBe(0);
    expect(await subgraph.database.accountToken.count({ where: { userId: id } })).toBe(0);
  });

  it('makes the account look unknown, and its e-mail can register again', async () => {
    const session = await accounts.register();
    await accounts.requestReset(session.email);
    const token = await accounts.mailedToken(session.user.id, 'password-reset');
    await accounts.deleteAccount(session);
    expect(await subgraph.signIn(session.email)).toEqual(INVALID_CREDENTIALS);
    expect(await subgraph.signIn(`deleted:${session.user.id}`, '')).toEqual(INVALID_CREDENTIALS);
    expect(await accounts.isSignedIn(session)).toBe(false);
    expect(await accounts.resetPassword(token)).toEqual(INVALID_TOKEN);
    expect((await subgraph.ask('{ me { id } }', session)).data).toEqual({ me: null });
    await expect(accounts.changePassword(session)).rejects.toThrow('UNAUTHENTICATED');
    await expect(accounts.requestVerification(session)).rejects.toThrow('UNAUTHENTICATED');
    const next = await subgraph.createUser({ email: session.email });
    expect(next).toMatchObject({ __typename: 'Session' });
    expect(next.user.id).not.toBe(session.user.id);
  });

  it('leaves a user without a person behind, for bookings and events, and not in the list of users', async () => {
    const session = await accounts.register('Augusta Ada King');
    const admin = await subgraph.createAdmin();
    await accounts.deleteAccount(session);
    const fields = 'id name email emailVerified deleted';
    const expected = { id: session.user.id, name: 'Deleted user', email: null, emailVerified: false, deleted: true };
    const reference = `{ _entities(representations: [{ __typename: "User", id: "${session.user.id}" }]) {
      ... on User { ${fields} } } }`;
    expect((await subgraph.ask(reference, admin)).data).toEqual({ _entities: [expected] });
    const { data } = await subgraph.ask<{ users: { nodes: { id: string }[] } }>('{ users { nodes { id } } }', admin);
    expect(data.users.nodes.map(({ id }) => id)).not.toContain(session.user.id);
  });

  it('is refused for a wrong password and for an admin', async () => {
    const session = await accounts.register();
    expect(await accounts.deleteAccount(session, 'a wrong password')).toEqual(INVALID_CREDENTIALS);
    expect(await accounts.deleteAccount(session, '')).toEqual(INVALID_CREDENTIALS);
    const admin = await subgraph.createAdmin();
    expect(await accounts.deleteAccount(admin)).toEqual({ __typename: 'AdminAccountError', code: 'ADMIN_ACCOUNT' });
    expect(await accounts.isSignedIn(admin)).toBe(true);
    expect(await accounts.messagesOf('user.deleted.v1', session.user.id)).toEqual([]);
  });
});

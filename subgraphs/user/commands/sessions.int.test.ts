import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashToken } from '../credentials/random-tokens.ts';
import { pruneExpiredSessions, pruneUsedSessions } from '../store/sessions.ts';
import { PASSWORD, startUserSubgraph, type UserSubgraph } from '../testing.ts';

const REFUSED = { __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' };

describe('sessions', () => {
  let subgraph: UserSubgraph;
  beforeAll(async () => {
    subgraph = await startUserSubgraph();
  });
  afterAll(() => subgraph.stop());

  const { createUser, signIn, refresh, signOut } = {
    createUser: (input?: { email: string }) => subgraph.createUser(input),
    signIn: (email: string, password?: string) => subgraph.signIn(email, password),
    refresh: (token: string) => subgraph.refresh(token),
    signOut: (token: string) => subgraph.signOut(token),
  };
  const expire = async (refreshToken: string) => {
    const tokenHash = hashToken(refreshToken);
    const { count } = await subgraph.database.session.updateMany({
      where: { tokenHash },
      data: { expiresAt: new Date(Date.now() - 60_000) },
    });
    expect(count).toBe(1);
  };

  describe('signing in', () => {
    it('opens another session, regardless of case and spaces in the e-mail', async () => {
      const { user } = await createUser({ email: 'sign-in@example.org' });
      const session = await signIn(' SIGN-IN@example.org');
      expect(session).toMatchObject({ __typename: 'Session', user: { id: user.id, email: 'sign-in@example.org' } });
      expect(await subgraph.database.session.count({ where: { userId: user.id } })).toBe(2);
    });

    it('gives the same answer for a wrong password, an unknown e-mail and a malformed e-mail', async () => {
      await createUser({ email: 'known@example.org' });
      expect(await signIn('known@example.org', 'a wrong password')).toEqual(REFUSED);
      expect(await signIn('unknown@example.org')).toEqual(REFUSED);
      expect(await signIn('not an e-mail\u0000')).toEqual(REFUSED);
      expect(await signIn('known@example.org', 'x'.repeat(10_000))).toEqual(REFUSED);
    });

    it('also verifies a password for an unknown e-mail, so that both cases take the same time', async () => {
      const verify = vi.spyOn(subgraph.dependencies.passwords, 'verify');
      await signIn('unknown@example.org');
      expect(verify.mock.calls).toEqual([[null, PASSWORD]]);
      verify.mockRestore();
    });
  });

  describe('refreshing', () => {
    it('exchanges each token for a new one', async () => {
      const first = await createUser();
      const second = await refresh(first.refreshToken);
      const third = await refresh(second.refreshToken);
      expect(third).toMatchObject({ __typename: 'Session', user: first.user });
      expect(new Set([first, second, third].map(({ refreshToken }) => refreshToken)).size).toBe(3);
      const { data } = await subgraph.ask('{ me { id } }', { accessToken: third.accessToken });
      expect(data).toEqual({ me: { id: first.user.id } });
    });

    it('ends only the family of a token that is reused', async () => {
      const first = await createUser({ email: 'reuse@example.org' });
      const elsewhere = await signIn('reuse@example.org');
      const second = await refresh(first.refreshToken);
      const third = await refresh(second.refreshToken);
      expect(await refresh(first.refreshToken)).toEqual(REFUSED);
      expect(await refresh(third.refreshToken)).toEqual(REFUSED);
      expect(await refresh(elsewhere.refreshToken)).toMatchObject({ __typename: 'Session' });
    });

    it('gives a session to exactly one of many concurrent requests with one token, then ends the family', async () => {
      const { refreshToken, user } = await createUser();
      const answers = await Promise.all(Array.from({ length: 12 }, () => refresh(refreshToken)));
      const won = answers.filter(({ __typename }) => __typename === 'Session');
      expect(won).toHaveLength(1);
      expect(answers.filter(({ code }) => code === 'INVALID_CREDENTIALS')).toHaveLength(11);
      expect(await refresh(won[0]?.refreshToken ?? '')).toEqual(REFUSED);
      expect(await subgraph.database.session.count({ where: { userId: user.id } })).toBe(0);
    });

    it('does not fail when refresh, sign-out and pruning run concurrently on one family', async () => {
      for (let round = 0; round < 5; round += 1) {
        const first = await createUser();
        const second = await refresh(first.refreshToken);
        const third = await refresh(second.refreshToken);
        await expire(first.refreshToken);
        const tokens = [first, second, third].flatMap(({ refreshToken }) => [refreshToken, refreshToken]);
        const answers = await Promise.all([
          ...tokens.map(refresh),
          ...tokens.map(signOut),
          ...tokens.map(() => pruneExpiredSessions(subgraph.database)(1_000)),
        ]);
        expect(answers).toHaveLength(18);
        expect(await subgraph.database.session.count({ where: { userId: first.user.id } })).toBe(0);
      }
    });

    it("refuses a token that has expired according to the database's clock", async () => {
      const { refreshToken } = await createUser();
      await expire(refreshToken);
      expect(await refresh(refreshToken)).toEqual(REFUSED);
    });

    it.each(['', 'unknown', 'x'.repeat(100_000), "' OR 1=1 -- ", 'nul\u0000'])(
      'refuses the token %j',
      async (token) => {
        expect(await refresh(token)).toEqual(REFUSED);
      },
    );

    it("issues an access token with the user's current role", async () => {
      const { refreshToken, user } = await createUser();
      await subgraph.database.user.update({ where: { id: user.id }, data: { role: 'ADMIN' } });
      const { accessToken } = await refresh(refreshToken);
      const { data } = await subgraph.ask('{ users(first: 1) { nodes { id } } }', { accessToken });
      expect(data).toMatchObject({ users: { nodes: [{}] } });
    });
  });

  describe('signing out', () => {
    it('ends the session and all earlier tokens of its family, and no other session', async () => {
      const first = await createUser({ email: 'sign-out@example.org' });
      const elsewhere = await signIn('sign-out@example.org');
      const second = await refresh(first.refreshToken);
      expect(await signOut(second.refreshToken)).toBe(true);
      expect(await refresh(second.refreshToken)).toEqual(REFUSED);
      expect(await refresh(first.refreshToken)).toEqual(REFUSED);
      expect(await refresh(elsewhere.refreshToken)).toMatchObject({ __typename: 'Session' });
    });

    it('returns true for a token that is unknown or already signed out', async () => {
      const { refreshToken } = await createUser();
      expect(await signOut(refreshToken)).toBe(true);
      expect(await signOut(refreshToken)).toBe(true);
      expect(await signOut('unknown')).toBe(true);
    });
  });

  describe('pruning', () => {
    it('deletes only expired sessions, in batches', async () => {
      const { database } = subgraph;
      await pruneExpiredSessions(database)(1_000);
      const { user } = await createUser({ email: 'prune@example.org' });
      const expired = await Promise.all(Array.from({ length: 5 }, () => signIn('prune@example.org')));
      for (const { refreshToken } of expired) await expire(refreshToken);
      expect(await pruneExpiredSessions(database)(3)).toBe(3);
      expect(await pruneExpiredSessions(database)(3)).toBe(2);
      expect(await pruneExpiredSessions(database)(3)).toBe(0);
      expect(await database.session.count({ where: { userId: user.id } })).toBe(1);
    });

    it('deletes tokens that were used before the retention period, and no token that is still valid', async () => {
      const { database } = subgraph;
      const old = await createUser();
      const recent = await createUser();
      const [oldNext, recentNext] = [await refresh(old.refreshToken), await refresh(recent.refreshToken)];
      const usedDaysAgo = (token: string, days: number) =>
        database.session.update({
          where: { tokenHash: hashToken(token) },
          data: { usedAt: new Date(Date.now() - days * 86_400_000) },
        });
      await usedDaysAgo(old.refreshToken, 8);
      await usedDaysAgo(recent.refreshToken, 6);
      expect(await pruneUsedSessions(database, 7)(1_000)).toBe(1);
      // The pruned token is unknown and refused. Its family continues.
      expect(await refresh(old.refreshToken)).toEqual(REFUSED);
      expect(await refresh(oldNext.refreshToken)).toMatchObject({ refreshToken: expect.any(String) });
      // The recent token is still known. Its reuse ends the family.
      expect(await refresh(recent.refreshToken)).toEqual(REFUSED);
      expect(await refresh(recentNext.refreshToken)).toEqual(REFUSED);
    });
  });
});

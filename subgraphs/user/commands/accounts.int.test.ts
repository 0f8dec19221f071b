import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashToken } from '../credentials/random-tokens.ts';
import { pruneTokens } from '../store/account-tokens.ts';
import { PASSWORD, startUserSubgraph, type UserSubgraph } from '../testing.ts';
import { createAccounts, INVALID_CREDENTIALS, INVALID_TOKEN, NEW_PASSWORD } from './testing.ts';

let subgraph: UserSubgraph;
let accounts: ReturnType<typeof createAccounts>;
beforeAll(async () => {
  subgraph = await startUserSubgraph();
  accounts = createAccounts(subgraph);
});
afterAll(() => subgraph.stop());

describe('requesting a password reset', () => {
  it('returns true for a known, an unknown and a malformed e-mail, regardless of case', async () => {
    const { email } = await accounts.register();
    for (const one of [email, ` ${email.toUpperCase()}`, `${newId()}@example.org`, 'not an e-mail\u0000', '']) {
      expect(await accounts.requestReset(one)).toBe(true);
    }
  });

  it('executes the same statements and writes a message for an unknown e-mail, but no token', async () => {
    const { email, user } = await accounts.register();
    const statementsOf = async (address: string) => {
      const transaction = vi.spyOn(subgraph.database, '$transaction');
      const before = (await accounts.messagesOf('user.password-reset-requested.v1')).length;
      await accounts.requestReset(address);
      const messages = (await accounts.messagesOf('user.password-reset-requested.v1')).slice(before);
      const count = transaction.mock.calls.length;
      transaction.mockRestore();
      return { count, messages };
    };
    const [known, unknown] = [await statementsOf(email), await statementsOf(`${newId()}@example.org`)];
    expect(known).toMatchObject({ count: 1, messages: [{ userId: user.id, sealedToken: expect.any(String) }] });
    expect(unknown).toMatchObject({ count: 1, messages: [{ userId: expect.any(String), sealedToken: null }] });
    expect(await subgraph.database.accountToken.count({ where: { userId: unknown.messages[0]?.userId ?? '' } })).toBe(
      0,
    );
  });

  it('stores only a hash of the token, and puts only its encrypted form into the message', async () => {
    const { email, user } = await accounts.register();
    await accounts.requestReset(email);
    const token = await accounts.mailedToken(user.id, 'password-reset');
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    const [stored] = await subgraph.database.accountToken.findMany({ where: { userId: user.id } });
    expect(stored).toMatchObject({ kind: 'PASSWORD_RESET', tokenHash: hashToken(token) });
    const everything = JSON.stringify(await subgraph.database.outboxMessage.findMany());
    expect(everything).not.toContain(token);
    expect(everything).not.toContain(hashToken(token));
  });
});

describe('resetting the password', () => {
  it('sets the password, ends all sessions, opens one and verifies the e-mail', async () => {
    const first = await accounts.register();
    const elsewhere = await subgraph.signIn(first.email);
    await accounts.requestReset(first.email);
    const session = await accounts.resetPassword(await accounts.mailedToken(first.user.id, 'password-reset'));
    expect(session).toMatchObject({ user: { id: first.user.id, email: first.email, emailVerified: true } });
    expect(await accounts.isSignedIn(first)).toBe(false);
    expect(await accounts.isSignedIn(elsewhere)).toBe(false);
    expect(await accounts.isSignedIn(session)).toBe(true);
    expect(await subgraph.signIn(first.email)).toEqual(INVALID_CREDENTIALS);
    expect(await subgraph.signIn(first.email, NEW_PASSWORD)).toMatchObject({ __typename: 'Session' });
  });

  it('succeeds exactly once of 20 concurrent attempts with one token', async () => {
    const { email, user } = await accounts.register();
    await accounts.requestReset(email);
    const token = await accounts.mailedToken(user.id, 'password-reset');
    const passwords = Array.from({ length: 20 }, (_, index) => `the new password ${index}`);
    const answers = await Promise.all(passwords.map((password) => accounts.resetPassword(token, password)));
    const won = answers.flatMap(({ __typename }, index) => (__typename === 'Session' ? [index] : []));
    expect(won).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'INVALID_TOKEN')).toHaveLength(19);
    expect(await subgraph.signIn(email, passwords[won[0] ?? 0])).toMatchObject({ __typename: 'Session' });
    expect(await accounts.resetPassword(token)).toEqual(INVALID_TOKEN);
  });

  it("refuses a token that has expired by the database's clock, was replaced, or is for another purpose", async () => {
    const session = await accounts.register();
    const { id } = session.user;
    await accounts.requestReset(session.email);
    const replaced = await accounts.mailedToken(id, 'password-reset');
    await accounts.requestReset(session.email);
    const expired = await accounts.mailedToken(id, 'password-reset');
    expect(await accounts.resetPassword(replaced)).toEqual(INVALID_TOKEN);
    await accounts.expireTokens(id);
    expect(await accounts.resetPassword(expired)).toEqual(INVALID_TOKEN);
    await accounts.requestVerification(session);
    expect(await accounts.resetPassword(await accounts.mailedToken(id, 'email-verification'))).toEqual(INVALID_TOKEN);
    await accounts.requestReset(session.email);
    expect(await accounts.verifyEmail(await accounts.mailedToken(id, 'password-reset'))).toEqual(INVALID_TOKEN);
    for (const token of ['', 'unknown', 'x'.repeat(100_000), "' OR 1=1 -- ", 'nul\u0000']) {
      expect(await accounts.resetPassword(token)).toEqual(INVALID_TOKEN);
    }
    expect(await accounts.isSignedIn(session)).toBe(true);
  });

  it('refuses a short password and keeps the token', async () => {
    const { email, user } = await accounts.register();
    await accounts.requestReset(email);
    const token = await accounts.mailedToken(user.id, 'password-reset');
    expect(await accounts.resetPassword(token, 'short')).toMatchObject({
      code: 'INVALID_INPUT',
      field: 'input.newPassword',
    });
    expect(await accounts.resetPassword(token)).toMatchObject({ __typename: 'Session' });
  });

  it('leaves no session to a sign-in that verified the old password before', async () => {
    const { email, user } = await accounts.register();
    await accounts.requestReset(email);
    const token = await accounts.mailedToken(user.id, 'password-reset');
    const { passwords } = subgraph.dependencies;
    const verify = passwords.verify.bind(passwords);
    const slow = vi.spyOn(passwords, 'verify').mockImplementationOnce(async (hash, password) => {
      const isRight = await verify(hash, password);
      expect(await accounts.resetPassword(token)).toMatchObject({ __typename: 'Session' });
      return isRight;
    });
    expect(await subgraph.signIn(email)).toEqual(INVALID_CREDENTIALS);
    slow.mockRestore();
  });
});

describe('changing the password', () => {
  it('ends the other sessions and mailed tokens, and keeps this session', async () => {
    const session = await accounts.register();
    const elsewhere = await subgraph.signIn(session.email);
    await accounts.requestReset(session.email);
    const token = await accounts.mailedToken(session.user.id, 'password-reset');
    expect(await accounts.changePassword(session)).toEqual({
      __typename: 'ChangePasswordPayload',
      user: { id: session.user.id, email: session.email },
    });
    expect(await accounts.isSignedIn(session)).toBe(true);
    expect(await accounts.isSignedIn(elsewhere)).toBe(false);
    expect(await accounts.resetPassword(token)).toEqual(INVALID_TOKEN);
    expect(await subgraph.signIn(session.email)).toEqual(INVALID_CREDENTIALS);
  });

  it('is refused with a wrong password, a short one, and without a session', async () => {
    const session = await accounts.register();
    expect(await accounts.changePassword(session, 'a wrong password')).toEqual(INVALID_CREDENTIALS);
    expect(await accounts.changePassword(session, PASSWORD, 'short')).toMatchObject({ field: 'input.newPassword' });
    await expect(accounts.changePassword({ accessToken: '' })).rejects.toThrow('UNAUTHENTICATED');
    expect(await subgraph.signIn(session.email)).toMatchObject({ __typename: 'Session' });
  });

  it('counts attempts like sign-ins', async () => {
    const session = await accounts.register();
    const admitted = vi.spyOn(subgraph.dependencies.limits, 'admitSignIn');
    await accounts.changePassword(session, 'a wrong password');
    await accounts.deleteAccount(session, 'a wrong password');
    expect(admitted.mock.calls.map(([{ email }]) => email)).toEqual([session.email, session.email]);
    admitted.mockRestore();
  });
});

describe('verifying the e-mail', () => {
  it('works once, and then no further mail is sent', async () => {
    const session = await accounts.register();
    expect(await accounts.requestVerification(session)).toBe(true);
    const token = await accounts.mailedToken(session.user.id, 'email-verification');
    const verified = {
      __typename: 'VerifyEmailPayload',
      user: { id: session.user.id, email: null, emailVerified: null },
    };
    expect(await accounts.verifyEmail(token)).toEqual(verified);
    expect(await accounts.verifyEmail(token)).toEqual(INVALID_TOKEN);
    const { data } = await subgraph.ask('{ me { emailVerified } }', session);
    expect(data).toEqual({ me: { emailVerified: true } });
    expect(await accounts.requestVerification(session)).toBe(true);
    expect(await accounts.messagesOf('user.email-verification-requested.v1', session.user.id)).toHaveLength(1);
  });

  it('needs a session to request it', async () => {
    await expect(accounts.requestVerification({ accessToken: '' })).rejects.toThrow('UNAUTHENTICATED');
  });
});

it('pruning deletes only expired tokens', async () => {
  const [expired, valid] = [await accounts.register(), await accounts.register()];
  for (const { email } of [expired, valid]) await accounts.requestReset(email);
  await accounts.expireTokens(expired.user.id);
  await pruneTokens(subgraph.sql)(1_000);
  expect(await subgraph.database.accountToken.count({ where: { userId: expired.user.id } })).toBe(0);
  expect(await subgraph.database.accountToken.count({ where: { userId: valid.user.id } })).toBe(1);
});

import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hashToken } from '../credentials/random-tokens.ts';
import { pruneTokens } from '../store/account-tokens.ts';
import { PASSWORD, type SessionAnswer, startUserSubgraph, type UserSubgraph } from '../testing.ts';

const NEW_PASSWORD = 'another horse, another battery';
const INVALID_TOKEN = { __typename: 'InvalidTokenError', code: 'INVALID_TOKEN' };
const INVALID_CREDENTIALS = { __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' };

let subgraph: UserSubgraph;
beforeAll(async () => {
  subgraph = await startUserSubgraph();
});
afterAll(() => subgraph.stop());

interface Registered extends SessionAnswer {
  readonly email: string;
}

async function register(name = 'Ada'): Promise<Registered> {
  const email = `${newId()}@example.org`;
  return { ...(await subgraph.createUser({ name, email })), email };
}

/** Sends a mutation and returns its result. @throws Error with the codes of errors */
async function mutate<Result = { __typename: string; code?: string }>(
  mutation: string,
  variables: Record<string, unknown> = {},
  session?: { accessToken: string },
): Promise<Result> {
  const { data, errors } = await subgraph.ask<{ result: Result }>(mutation, {
    variables,
    ...(session && { accessToken: session.accessToken }),
  });
  if (errors) throw new Error(errors.map(({ extensions }) => extensions?.code).join());
  return data.result;
}

const REFUSAL = '__typename ... on DomainError { code }';
const requestReset = (email: string) =>
  mutate<boolean>('mutation ($email: String!) { result: requestPasswordReset(email: $email) }', { email });
const resetPassword = (token: string, newPassword = NEW_PASSWORD) =>
  mutate<SessionAnswer>(
    `mutation ($input: ResetPasswordInput!) { result: resetPassword(input: $input) {
      ${REFUSAL} ... on InvalidInputError { field }
      ... on Session { accessToken refreshToken user { id email emailVerified } } } }`,
    { input: { token, newPassword } },
  );
const changePassword = (session: { accessToken: string }, currentPassword = PASSWORD, newPassword = NEW_PASSWORD) =>
  mutate(
    `mutation ($input: ChangePasswordInput!) { result: changePassword(input: $input) {
      ${REFUSAL} ... on InvalidInputError { field } ... on ChangePasswordPayload { user { id email } } } }`,
    { input: { currentPassword, newPassword } },
    session,
  );
const requestVerification = (session: { accessToken: string }) =>
  mutate<boolean>('mutation { result: requestEmailVerification }', {}, session);
const verifyEmail = (token: string) =>
  mutate(
    `mutation ($token: String!) { result: verifyEmail(token: $token) {
      ${REFUSAL} ... on VerifyEmailPayload { user { id email emailVerified } } } }`,
    { token },
  );
const deleteAccount = (session: { accessToken: string }, password = PASSWORD) =>
  mutate<{ __typename: string; deletedAt?: string }>(
    `mutation ($input: DeleteAccountInput!) { result: deleteAccount(input: $input) {
      ${REFUSAL} ... on DeleteAccountPayload { deletedAt } } }`,
    { input: { password } },
    session,
  );
const isSignedIn = async ({ refreshToken }: SessionAnswer) =>
  (await subgraph.refresh(refreshToken)).__typename === 'Session';

interface OutboxData {
  readonly userId: string;
  readonly sealedToken: string | null;
}

/** Returns the messages of a type about a user, oldest first. */
async function messagesOf(type: string, userId?: string): Promise<OutboxData[]> {
  const rows = await subgraph.database.outboxMessage.findMany({ where: { subject: type }, orderBy: { id: 'asc' } });
  const messages = rows.map(({ payload }) => (JSON.parse(payload) as { data: OutboxData }).data);
  return messages.filter((data) => userId === undefined || data.userId === userId);
}

/** Returns the token of the last message about a user, as the notification subgraph does. */
async function mailedToken(userId: string, kind: 'password-reset' | 'email-verification'): Promise<string> {
  const sealed = (await messagesOf(`user.${kind}-requested.v1`, userId)).at(-1)?.sealedToken;
  return subgraph.dependencies.sealer.open(sealed ?? '', userId);
}

const expireTokens = (userId: string) =>
  subgraph.database.accountToken.updateMany({ where: { userId }, data: { expiresAt: new Date(Date.now() - 60_000) } });

describe('requesting a password reset', () => {
  it('returns true for a known, an unknown and a malformed e-mail, regardless of case', async () => {
    const { email } = await register();
    for (const one of [email, ` ${email.toUpperCase()}`, `${newId()}@example.org`, 'not an e-mail\u0000', '']) {
      expect(await requestReset(one)).toBe(true);
    }
  });

  it('executes the same statements and writes a message for an unknown e-mail, but no token', async () => {
    const { email, user } = await register();
    const statementsOf = async (address: string) => {
      const transaction = vi.spyOn(subgraph.database, '$transaction');
      const before = (await messagesOf('user.password-reset-requested.v1')).length;
      await requestReset(address);
      const messages = (await messagesOf('user.password-reset-requested.v1')).slice(before);
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
    const { email, user } = await register();
    await requestReset(email);
    const token = await mailedToken(user.id, 'password-reset');
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
    const first = await register();
    const elsewhere = await subgraph.signIn(first.email);
    await requestReset(first.email);
    const session = await resetPassword(await mailedToken(first.user.id, 'password-reset'));
    expect(session).toMatchObject({ user: { id: first.user.id, email: first.email, emailVerified: true } });
    expect(await isSignedIn(first)).toBe(false);
    expect(await isSignedIn(elsewhere)).toBe(false);
    expect(await isSignedIn(session)).toBe(true);
    expect(await subgraph.signIn(first.email)).toEqual(INVALID_CREDENTIALS);
    expect(await subgraph.signIn(first.email, NEW_PASSWORD)).toMatchObject({ __typename: 'Session' });
  });

  it('succeeds exactly once of 20 concurrent attempts with one token', async () => {
    const { email, user } = await register();
    await requestReset(email);
    const token = await mailedToken(user.id, 'password-reset');
    const passwords = Array.from({ length: 20 }, (_, index) => `the new password ${index}`);
    const answers = await Promise.all(passwords.map((password) => resetPassword(token, password)));
    const won = answers.flatMap(({ __typename }, index) => (__typename === 'Session' ? [index] : []));
    expect(won).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'INVALID_TOKEN')).toHaveLength(19);
    expect(await subgraph.signIn(email, passwords[won[0] ?? 0])).toMatchObject({ __typename: 'Session' });
    expect(await resetPassword(token)).toEqual(INVALID_TOKEN);
  });

  it("refuses a token that has expired by the database's clock, was replaced, or is for another purpose", async () => {
    const session = await register();
    const { id } = session.user;
    await requestReset(session.email);
    const replaced = await mailedToken(id, 'password-reset');
    await requestReset(session.email);
    const expired = await mailedToken(id, 'password-reset');
    expect(await resetPassword(replaced)).toEqual(INVALID_TOKEN);
    await expireTokens(id);
    expect(await resetPassword(expired)).toEqual(INVALID_TOKEN);
    await requestVerification(session);
    expect(await resetPassword(await mailedToken(id, 'email-verification'))).toEqual(INVALID_TOKEN);
    await requestReset(session.email);
    expect(await verifyEmail(await mailedToken(id, 'password-reset'))).toEqual(INVALID_TOKEN);
    for (const token of ['', 'unknown', 'x'.repeat(100_000), "' OR 1=1 -- ", 'nul\u0000']) {
      expect(await resetPassword(token)).toEqual(INVALID_TOKEN);
    }
    expect(await isSignedIn(session)).toBe(true);
  });

  it('refuses a short password and keeps the token', async () => {
    const { email, user } = await register();
    await requestReset(email);
    const token = await mailedToken(user.id, 'password-reset');
    expect(await resetPassword(token, 'short')).toMatchObject({ code: 'INVALID_INPUT', field: 'input.newPassword' });
    expect(await resetPassword(token)).toMatchObject({ __typename: 'Session' });
  });

  it('leaves no session to a sign-in that verified the old password before', async () => {
    const { email, user } = await register();
    await requestReset(email);
    const token = await mailedToken(user.id, 'password-reset');
    const { passwords } = subgraph.dependencies;
    const verify = passwords.verify.bind(passwords);
    const slow = vi.spyOn(passwords, 'verify').mockImplementationOnce(async (hash, password) => {
      const isRight = await verify(hash, password);
      expect(await resetPassword(token)).toMatchObject({ __typename: 'Session' });
      return isRight;
    });
    expect(await subgraph.signIn(email)).toEqual(INVALID_CREDENTIALS);
    slow.mockRestore();
  });
});

describe('changing the password', () => {
  it('ends the other sessions and mailed tokens, and keeps this session', async () => {
    const session = await register();
    const elsewhere = await subgraph.signIn(session.email);
    await requestReset(session.email);
    const token = await mailedToken(session.user.id, 'password-reset');
    expect(await changePassword(session)).toEqual({
      __typename: 'ChangePasswordPayload',
      user: { id: session.user.id, email: session.email },
    });
    expect(await isSignedIn(session)).toBe(true);
    expect(await isSignedIn(elsewhere)).toBe(false);
    expect(await resetPassword(token)).toEqual(INVALID_TOKEN);
    expect(await subgraph.signIn(session.email)).toEqual(INVALID_CREDENTIALS);
  });

  it('is refused with a wrong password, a short one, and without a session', async () => {
    const session = await register();
    expect(await changePassword(session, 'a wrong password')).toEqual(INVALID_CREDENTIALS);
    expect(await changePassword(session, PASSWORD, 'short')).toMatchObject({ field: 'input.newPassword' });
    await expect(changePassword({ accessToken: '' })).rejects.toThrow('UNAUTHENTICATED');
    expect(await subgraph.signIn(session.email)).toMatchObject({ __typename: 'Session' });
  });

  it('counts attempts like sign-ins', async () => {
    const session = await register();
    const admitted = vi.spyOn(subgraph.dependencies.limits, 'admitSignIn');
    await changePassword(session, 'a wrong password');
    await deleteAccount(session, 'a wrong password');
    expect(admitted.mock.calls.map(([{ email }]) => email)).toEqual([session.email, session.email]);
    admitted.mockRestore();
  });
});

describe('verifying the e-mail', () => {
  it('works once, and then no further mail is sent', async () => {
    const session = await register();
    expect(await requestVerification(session)).toBe(true);
    const token = await mailedToken(session.user.id, 'email-verification');
    const verified = {
      __typename: 'VerifyEmailPayload',
      user: { id: session.user.id, email: null, emailVerified: null },
    };
    expect(await verifyEmail(token)).toEqual(verified);
    expect(await verifyEmail(token)).toEqual(INVALID_TOKEN);
    const { data } = await subgraph.ask('{ me { emailVerified } }', session);
    expect(data).toEqual({ me: { emailVerified: true } });
    expect(await requestVerification(session)).toBe(true);
    expect(await messagesOf('user.email-verification-requested.v1', session.user.id)).toHaveLength(1);
  });

  it('needs a session to request it', async () => {
    await expect(requestVerification({ accessToken: '' })).rejects.toThrow('UNAUTHENTICATED');
  });
});

describe('the sessions of a user', () => {
  const SESSIONS = '{ me { sessions { id createdAt lastUsedAt expiresAt current } } }';
  interface Listed {
    me: { sessions: { id: string; createdAt: string; lastUsedAt: string; expiresAt: string; current: boolean }[] };
  }
  const sessionsOf = async (session: { accessToken: string }) =>
    (await subgraph.ask<Listed>(SESSIONS, session)).data.me.sessions;

  it('are listed once each, newest first, with the one of the request', async () => {
    const first = await register();
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
    const { user } = await register();
    const [admin, stranger] = [await subgraph.createAdmin(), await register()];
    const query = `{ user(id: "${user.id}") { id sessions { id } } }`;
    expect((await subgraph.ask(query, admin)).data).toEqual({ user: { id: user.id, sessions: null } });
    expect((await subgraph.ask(query, stranger)).data).toEqual({ user: null });
  });

  it('can be ended one by one, only by their user', async () => {
    const first = await register();
    const second = await subgraph.signIn(first.email);
    const other = (await sessionsOf(first)).find(({ current }) => !current);
    const end = (session: { accessToken: string }, id: string) =>
      mutate<boolean>('mutation ($id: ID!) { result: endSession(id: $id) }', { id }, session);
    const stranger = await register();
    for (const id of [other?.id ?? '', newId(), 'unknown\u0000', '']) expect(await end(stranger, id)).toBe(true);
    expect(await sessionsOf(first)).toHaveLength(2);
    expect(await end(first, other?.id ?? '')).toBe(true);
    expect(await end(first, other?.id ?? '')).toBe(true);
    expect(await isSignedIn(second)).toBe(false);
    expect(await isSignedIn(first)).toBe(true);
  });

  it('all end when the user signs out everywhere', async () => {
    const first = await register();
    const second = await subgraph.signIn(first.email);
    const stranger = await register();
    expect(await mutate<boolean>('mutation { result: signOutEverywhere }', {}, second)).toBe(true);
    expect([await isSignedIn(first), await isSignedIn(second)]).toEqual([false, false]);
    expect(await isSignedIn(stranger)).toBe(true);
  });
});

describe('deleting an account', () => {
  it('removes the person, ends everything and writes one message, also when it is repeated', async () => {
    const session = await register('Augusta Ada King');
    const { id } = session.user;
    await requestReset(session.email);
    const answers = await Promise.all([deleteAccount(session), deleteAccount(session), deleteAccount(session)]);
    const again = await deleteAccount(session, 'any password');
    const deleted = { __typename: 'DeleteAccountPayload', deletedAt: again.deletedAt };
    expect([...answers, again].filter(({ __typename }) => __typename === 'DeleteAccountPayload')).toHaveLength(4);
    expect(answers).toEqual([deleted, deleted, deleted]);
    expect(await messagesOf('user.deleted.v1', id)).toEqual([{ userId: id }]);

    const row = await subgraph.database.user.findUniqueOrThrow({ where: { id } });
    expect(row).toMatchObject({ name: 'Deleted user', passwordHash: '', emailVerifiedAt: null });
    expect(JSON.stringify(row)).not.toContain(session.email);
    expect(await subgraph.database.session.count({ where: { userId: id } })).toBe(0);
    expect(await subgraph.database.accountToken.count({ where: { userId: id } })).toBe(0);
  });

  it('makes the account look unknown, and its e-mail can register again', async () => {
    const session = await register();
    await requestReset(session.email);
    const token = await mailedToken(session.user.id, 'password-reset');
    await deleteAccount(session);
    expect(await subgraph.signIn(session.email)).toEqual(INVALID_CREDENTIALS);
    expect(await subgraph.signIn(`deleted:${session.user.id}`, '')).toEqual(INVALID_CREDENTIALS);
    expect(await isSignedIn(session)).toBe(false);
    expect(await resetPassword(token)).toEqual(INVALID_TOKEN);
    expect((await subgraph.ask('{ me { id } }', session)).data).toEqual({ me: null });
    await expect(changePassword(session)).rejects.toThrow('UNAUTHENTICATED');
    await expect(requestVerification(session)).rejects.toThrow('UNAUTHENTICATED');
    const next = await subgraph.createUser({ email: session.email });
    expect(next).toMatchObject({ __typename: 'Session' });
    expect(next.user.id).not.toBe(session.user.id);
  });

  it('leaves a user without a person behind, for bookings and events, and not in the list of users', async () => {
    const session = await register('Augusta Ada King');
    const admin = await subgraph.createAdmin();
    await deleteAccount(session);
    const fields = 'id name email emailVerified deleted';
    const expected = { id: session.user.id, name: 'Deleted user', email: null, emailVerified: false, deleted: true };
    const reference = `{ _entities(representations: [{ __typename: "User", id: "${session.user.id}" }]) {
      ... on User { ${fields} } } }`;
    expect((await subgraph.ask(reference, admin)).data).toEqual({ _entities: [expected] });
    const { data } = await subgraph.ask<{ users: { nodes: { id: string }[] } }>('{ users { nodes { id } } }', admin);
    expect(data.users.nodes.map(({ id }) => id)).not.toContain(session.user.id);
  });

  it('is refused for a wrong password and for an admin', async () => {
    const session = await register();
    expect(await deleteAccount(session, 'a wrong password')).toEqual(INVALID_CREDENTIALS);
    expect(await deleteAccount(session, '')).toEqual(INVALID_CREDENTIALS);
    const admin = await subgraph.createAdmin();
    expect(await deleteAccount(admin)).toEqual({ __typename: 'AdminAccountError', code: 'ADMIN_ACCOUNT' });
    expect(await isSignedIn(admin)).toBe(true);
    expect(await messagesOf('user.deleted.v1', session.user.id)).toEqual([]);
  });
});

it('pruning deletes only expired tokens', async () => {
  const [expired, valid] = [await register(), await register()];
  for (const { email } of [expired, valid]) await requestReset(email);
  await expireTokens(expired.user.id);
  await pruneTokens(subgraph.sql)(1_000);
  expect(await subgraph.database.accountToken.count({ where: { userId: expired.user.id } })).toBe(0);
  expect(await subgraph.database.accountToken.count({ where: { userId: valid.user.id } })).toBe(1);
});

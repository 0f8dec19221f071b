import { v7 as newId } from 'uuid';
import { PASSWORD, type SessionAnswer, type UserSubgraph } from '../testing.ts';

export const NEW_PASSWORD = 'another horse, another battery';
export const INVALID_TOKEN = { __typename: 'InvalidTokenError', code: 'INVALID_TOKEN' };
export const INVALID_CREDENTIALS = { __typename: 'InvalidCredentialsError', code: 'INVALID_CREDENTIALS' };

interface Registered extends SessionAnswer {
  readonly email: string;
}

interface OutboxData {
  readonly userId: string;
  readonly sealedToken: string | null;
}

/** Creates functions that use the accounts of a subgraph as a client and its mails do. */
export function createAccounts(subgraph: UserSubgraph) {
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
    subgraph.database.accountToken.updateMany({
      where: { userId },
      data: { expiresAt: new Date(Date.now() - 60_000) },
    });

  return {
    register,
    mutate,
    requestReset,
    resetPassword,
    changePassword,
    requestVerification,
    verifyEmail,
    deleteAccount,
    isSignedIn,
    messagesOf,
    mailedToken,
    expireTokens,
  };
}

import { v7 as newId } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMessage } from '#platform/messaging/message.ts';
import { userMessages } from '../messaging/contract.ts';
import { PASSWORD, startUserSubgraph, type UserSubgraph } from '../testing.ts';
import { createUser } from './create-user.ts';

describe('createUser', () => {
  let subgraph: UserSubgraph;
  beforeAll(async () => {
    subgraph = await startUserSubgraph();
  });
  afterAll(() => subgraph.stop());

  it('returns the new user with their e-mail and a valid access token', async () => {
    const session = await subgraph.createUser({ name: ' Ada ', email: ' Ada@Example.org' });
    expect(session).toMatchObject({
      __typename: 'Session',
      user: { name: 'Ada', email: 'ada@example.org', role: 'USER' },
    });
    const { data } = await subgraph.ask('{ me { id name email } }', { accessToken: session.accessToken });
    expect(data).toEqual({ me: { id: session.user.id, name: 'Ada', email: 'ada@example.org' } });
  });

  it('stores neither the password nor the refresh token', async () => {
    const { user, refreshToken } = await subgraph.createUser();
    const { database } = subgraph;
    const stored = [
      await database.user.findUnique({ where: { id: user.id } }),
      await database.session.findMany({ where: { userId: user.id } }),
      await database.outboxMessage.findMany({ where: { payload: { contains: user.id } } }),
    ];
    expect(JSON.stringify(stored)).toContain(user.id);
    expect(JSON.stringify(stored)).not.toContain(PASSWORD);
    expect(JSON.stringify(stored)).not.toContain(refreshToken);
  });

  it('registers an e-mail once when many requests use it concurrently, regardless of case', async () => {
    const email = (index: number) => (index % 2 === 0 ? 'race@example.org' : 'RACE@Example.ORG');
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => subgraph.createUser({ email: email(index) })),
    );
    expect(answers.filter(({ __typename }) => __typename === 'Session')).toHaveLength(1);
    expect(answers.filter(({ code }) => code === 'EMAIL_TAKEN')).toHaveLength(19);
    const { database } = subgraph;
    const user = await database.user.findUniqueOrThrow({ where: { email: 'race@example.org' } });
    expect(await database.session.count({ where: { userId: user.id } })).toBe(1);
    expect(await database.outboxMessage.count({ where: { payload: { contains: 'race@example.org' } } })).toBe(1);
  });

  it('writes one message about the user that matches the contract', async () => {
    const { user } = await subgraph.createUser({ name: 'Grace "Amazing" Hopper' });
    const rows = await subgraph.database.outboxMessage.findMany({ where: { payload: { contains: user.id } } });
    expect(rows).toMatchObject([{ subject: 'user.registered.v1', publishedAt: null }]);
    const message = parseMessage(Buffer.from(rows[0]?.payload ?? ''));
    expect(message).toMatchObject({ id: rows[0]?.id, type: 'user.registered.v1', subject: user.id });
    expect(userMessages['user.registered.v1'].parse(message.data)).toEqual({
      userId: user.id,
      name: 'Grace "Amazing" Hopper',
      email: user.email,
    });
  });

  it('rolls back everything when the message cannot be written', async () => {
    const { database, dependencies } = subgraph;
    const taken = newId();
    await database.outboxMessage.create({ data: { id: taken, subject: 'user.registered.v1', payload: '{}' } });
    const input = { name: 'Ada', email: 'rolled-back@example.org', password: PASSWORD };
    const register = (id: () => string) =>
      createUser({ ...dependencies, newId: id }, { requestId: 'test', clientAddress: 'test', input });

    await expect(register(() => taken)).rejects.toThrow();
    expect(await database.user.count({ where: { email: input.email } })).toBe(0);
    expect(await database.session.count({ where: { userId: taken } })).toBe(0);
    expect(await register(dependencies.newId)).toMatchObject({ outcome: 'registered' });
  });

  it.each([
    ['name', { name: '' }],
    ['email', { email: 'nobody' }],
    ['password', { password: 'too short' }],
  ])('returns an error as data for an invalid %s and names the field', async (field, input) => {
    expect(await subgraph.createUser(input)).toEqual({
      __typename: 'InvalidInputError',
      code: 'INVALID_INPUT',
      field: `input.${field}`,
    });
  });
});

import { describe, expect, it } from 'vitest';
import type { GraphQLAnswer, GraphQLOperation } from '#platform/clients/graphql-client.ts';
import { createUsersClient } from './users-client.ts';

const TIMEOUT_MS = 500;

describe('the client of the user subgraph', () => {
  const answering = (answer: GraphQLAnswer) => {
    const requests: GraphQLOperation[] = [];
    const request = async (operation: GraphQLOperation) => {
      requests.push(operation);
      return answer;
    };
    return { users: createUsersClient({ request, close: async () => undefined }, TIMEOUT_MS), requests };
  };

  it('reports whether a user exists and uses the given timeout', async () => {
    const { users, requests } = answering({ data: { _entities: [{ deleted: false }] } });
    expect(await users.exists('ada')).toBe(true);
    expect(requests).toMatchObject([
      { variables: { references: [{ __typename: 'User', id: 'ada' }] }, timeoutMs: TIMEOUT_MS },
    ]);
    expect(await answering({ data: { _entities: [null] } }).users.exists('bob')).toBe(false);
    expect(await answering({ data: { _entities: [{ deleted: true }] } }).users.exists('eve')).toBe(false);
  });

  it('returns the contacts of users, and fails when they cannot be read', async () => {
    const ada = { id: 'ada', name: 'Ada', email: 'ada@example.com' };
    const { users, requests } = answering({ data: { userContacts: [ada] } });
    expect(await users.contacts(['ada', 'deleted'])).toEqual([ada]);
    expect(requests).toMatchObject([{ variables: { ids: ['ada', 'deleted'] }, timeoutMs: TIMEOUT_MS }]);
    const away = answering({ data: null, errors: [{ message: 'The database is unavailable.' }] }).users;
    await expect(away.contacts(['ada'])).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  });

  it('fails when the answer contains an error, instead of reporting that the user does not exist', async () => {
    const { users } = answering({ data: { _entities: [null] }, errors: [{ message: 'The database is unavailable.' }] });
    await expect(users.exists('ada')).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  });
});

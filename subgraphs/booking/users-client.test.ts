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

  it('tells a user who exists from one who does not, and waits no longer than it is told', async () => {
    const { users, requests } = answering({ data: { _entities: [{ id: 'ada' }] } });
    expect(await users.exists('ada')).toBe(true);
    expect(requests).toMatchObject([
      { variables: { references: [{ __typename: 'User', id: 'ada' }] }, timeoutMs: TIMEOUT_MS },
    ]);
    expect(await answering({ data: { _entities: [null] } }).users.exists('bob')).toBe(false);
  });

  it('takes an error for no answer, not for a user who does not exist', async () => {
    const { users } = answering({ data: { _entities: [null] }, errors: [{ message: 'The database is away.' }] });
    await expect(users.exists('ada')).rejects.toMatchObject({ extensions: { code: 'SERVICE_UNAVAILABLE' } });
  });
});

import { z } from 'zod';
import { fetchData } from '#platform/clients/fetch-data.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';

export type UsersClient = ReturnType<typeof createUsersClient>;

/** Resolves a reference to a user in the same way as the gateway. The result is null when the user never existed. */
const QUERY = `query UserExists($references: [_Any!]!) {
  _entities(representations: $references) { ... on User { deleted } }
}`;

const answer = z.object({ _entities: z.tuple([z.object({ deleted: z.boolean() }).nullable()]) });

export const createUsersClient = (client: GraphQLClient, timeoutMs: number) => ({
  /**
   * Asks the user subgraph whether a user exists and has not deleted their account.
   * @throws SERVICE_UNAVAILABLE when the request fails
   */
  async exists(userId: string): Promise<boolean> {
    const operation = {
      query: QUERY,
      variables: { references: [{ __typename: 'User', id: userId }] },
      operationName: 'UserExists',
      timeoutMs,
    };
    const {
      _entities: [user],
    } = await fetchData(client, operation, answer);
    return user?.deleted === false;
  },
});

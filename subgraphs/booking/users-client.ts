import { z } from 'zod';
import { currentDeadlineMs } from '#platform/clients/deadline.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';
import { unavailable } from '#platform/errors/errors.ts';

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
    const { data, errors } = await client.request({
      query: QUERY,
      variables: { references: [{ __typename: 'User', id: userId }] },
      operationName: 'UserExists',
      headers: {},
      timeoutMs,
      deadlineMs: currentDeadlineMs(),
    });
    if (errors !== undefined) throw unavailable(new Error(errors[0]?.message));
    const [user] = answer.parse(data)._entities;
    return user?.deleted === false;
  },
});

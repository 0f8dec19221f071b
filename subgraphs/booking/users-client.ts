import { z } from 'zod';
import { fetchData } from '#platform/clients/fetch-data.ts';
import type { GraphQLClient } from '#platform/clients/graphql-client.ts';

export type UsersClient = ReturnType<typeof createUsersClient>;

/** Resolves a reference to a user in the same way as the gateway. The result is null when the user never existed. */
const QUERY = `query UserExists($references: [_Any!]!) {
  _entities(representations: $references) { ... on User { deleted } }
}`;

const CONTACTS_QUERY = `query UserContacts($ids: [ID!]!) { userContacts(ids: $ids) { id name email } }`;

const contacts = z.object({
  userContacts: z.array(z.object({ id: z.string(), name: z.string(), email: z.string() })),
});

/** How to reach a user. */
export type UserContact = z.output<typeof contacts>['userContacts'][number];

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
  /**
   * Returns the contacts of at most 1,000 users, in any order. Deleted users are left out. The caller must have checked
   * that the reader may see them.
   * @throws SERVICE_UNAVAILABLE when the request fails
   */
  async contacts(userIds: readonly string[]): Promise<UserContact[]> {
    const operation = { query: CONTACTS_QUERY, variables: { ids: userIds }, operationName: 'UserContacts', timeoutMs };
    return (await fetchData(client, operation, contacts)).userContacts;
  },
});

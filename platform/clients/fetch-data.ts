import type { z } from 'zod';
import { unavailable } from '../errors/errors.ts';
import { currentDeadlineMs } from './deadline.ts';
import type { GraphQLClient, GraphQLOperation } from './graphql-client.ts';

/**
 * Asks another subgraph as a service, not as a user, and returns the data in the form of `schema`. During a request, the
 * deadline of its client applies, too.
 * @throws SERVICE_UNAVAILABLE when the request or a part of it fails
 */
export async function fetchData<Schema extends z.ZodType>(
  client: GraphQLClient,
  operation: Omit<GraphQLOperation, 'headers' | 'deadlineMs'>,
  schema: Schema,
): Promise<z.output<Schema>> {
  const { data, errors } = await client.request({ ...operation, headers: {}, deadlineMs: currentDeadlineMs() });
  if (errors !== undefined) throw unavailable(new Error(errors[0]?.message));
  return schema.parse(data);
}

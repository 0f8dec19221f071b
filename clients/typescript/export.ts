import { type AnswerError, OperationError } from './answers.ts';
import type { Client, TypedDocument } from './client.ts';
import {
  AccountDocument,
  type AccountQuery,
  ExportedBookingsDocument,
  type ExportedBookingsQuery,
  ExportedEventsDocument,
  type ExportedEventsQuery,
  ExportedHoldsDocument,
  type ExportedHoldsQuery,
  ExportedNotificationsDocument,
  type ExportedNotificationsQuery,
  ExportedWaitlistEntriesDocument,
  type ExportedWaitlistEntriesQuery,
  OwnWebhooksDocument,
  type WebhookFieldsFragment,
} from './generated/graphql.ts';

type NodesOf<Query extends { me: { page: { nodes: readonly unknown[] } | null } | null }> = NonNullable<
  NonNullable<Query['me']>['page']
>['nodes'];

/** The data that the system has about the signed-in user. */
export interface AccountExport {
  readonly account: NonNullable<AccountQuery['me']>;
  readonly bookings: NodesOf<ExportedBookingsQuery>;
  readonly holds: NodesOf<ExportedHoldsQuery>;
  readonly waitlistEntries: NodesOf<ExportedWaitlistEntriesQuery>;
  readonly notifications: NodesOf<ExportedNotificationsQuery>;
  /** The events that the user organizes. */
  readonly events: NodesOf<ExportedEventsQuery>;
  readonly webhooks: readonly WebhookFieldsFragment[];
}

/** Reads all data of the signed-in user, page by page. @throws OperationError when a part cannot be read */
export async function exportAccount(client: Client): Promise<AccountExport> {
  const { me: account } = await client.request(AccountDocument);
  if (account === null) throw failed([{ message: 'Nobody is signed in.', extensions: { code: 'UNAUTHENTICATED' } }]);
  return {
    account,
    bookings: await readAll(client, ExportedBookingsDocument),
    holds: await readAll(client, ExportedHoldsDocument),
    waitlistEntries: await readAll(client, ExportedWaitlistEntriesDocument),
    notifications: await readAll(client, ExportedNotificationsDocument),
    events: await readAll(client, ExportedEventsDocument),
    webhooks: await readPart(client, OwnWebhooksDocument, {}, ({ me }) => me?.webhooks),
  };
}

interface Connection<Node> {
  readonly nodes: readonly Node[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

type PageDocument<Node> = TypedDocument<
  { readonly me: { readonly page: Connection<Node> | null } | null },
  { after?: string | null }
>;

async function readAll<Node>(client: Client, document: PageDocument<Node>): Promise<Node[]> {
  const all: Node[] = [];
  let after: string | null = null;
  do {
    const { nodes, pageInfo }: Connection<Node> = await readPart(client, document, { after }, ({ me }) => me?.page);
    all.push(...nodes);
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null;
  } while (after !== null);
  return all;
}

async function readPart<Data, Variables extends object, Part>(
  client: Client,
  document: TypedDocument<Data, Variables>,
  variables: Variables,
  partOf: (data: Data) => Part | null | undefined,
): Promise<Part> {
  const { data, errors = [] } = await client.execute(document, variables);
  const part = data && partOf(data);
  // An error also leaves a nested field null. An export must not leave out a part without a word.
  if (!part || errors.length > 0) throw failed(errors);
  return part;
}

const failed = (errors: readonly AnswerError[]) => new OperationError(errors, { isMutation: false });

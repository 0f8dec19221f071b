import { Badge, Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useLocation } from 'wouter';
import {
  EditWebhookDocument,
  RedeliverDocument,
  RemoveWebhookDocument,
  ReplaceWebhookSecretDocument,
  WebhookDeliveriesDocument,
  type WebhookDeliveriesQuery,
  type WebhookFieldsFragment,
} from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { Confirmed } from '../parts/confirm.tsx';
import { Form, useFields } from '../parts/form.tsx';
import { ButtonLink, TextLink } from '../parts/links.tsx';
import { List, useList } from '../parts/list.tsx';
import { Empty, Loaded, Page, Problem, reload } from '../parts/states.tsx';
import { KIND_WORDS, Secret, stateOf, WebhookInputs, webhookIn } from '../parts/webhooks.tsx';
import { dateTime, refusalIn } from '../words.ts';

type Delivery = NonNullable<WebhookDeliveriesQuery['webhook']>['deliveries']['nodes'][number];

const NO_DELIVERIES = { nodes: [], pageInfo: { hasNextPage: false, endCursor: null } };
const STATUS_WORDS = { PENDING: 'Waiting', DELIVERED: 'Delivered', FAILED: 'Failed' };
/** While a message waits, the list is loaded again. */
const REFETCH_MS = 3_000;

const reloadWebhooks = () => Promise.all([reload('webhooks'), reload('webhook')]);

/** The settings of an endpoint and the messages for it. */
export function WebhookPage({ id }: { id: string }) {
  const query = useQuery({
    queryKey: ['webhook', id],
    queryFn: ({ signal }) => client.request(WebhookDeliveriesDocument, { id, first: 1 }, { signal }),
  });
  return (
    <Loaded query={query}>
      {({ webhook }) =>
        webhook === null ? (
          <Page title="Endpoint not found">
            <Empty title="You have no such endpoint">
              <ButtonLink href="/organize/webhooks">See your endpoints</ButtonLink>
            </Empty>
          </Page>
        ) : (
          <Page
            title={new URL(webhook.url).hostname}
            intro={
              <>
                {stateOf(webhook)} · <TextLink href="/organize/webhooks">See all endpoints</TextLink>
              </>
            }
          >
            <div className="columns">
              <div>
                <Settings webhook={webhook} />
                <Actions webhook={webhook} />
              </div>
              <Deliveries id={id} />
            </div>
          </Page>
        )
      }
    </Loaded>
  );
}

function Settings({ webhook }: { webhook: WebhookFieldsFragment }) {
  const action = useMutation({
    mutationFn: async (values: Record<string, string>) =>
      (await client.request(EditWebhookDocument, { input: { id: webhook.id, ...webhookIn(values) } })).updateWebhook,
    onSettled: reloadWebhooks,
  });
  return (
    <div className="card padded">
      <Form action={action}>
        <WebhookInputs fields={useFields(action.data)} webhook={webhook} />
        <Button type="submit" loading={action.isPending}>
          Save changes
        </Button>
      </Form>
    </div>
  );
}

function Actions({ webhook: { id, enabled } }: { webhook: WebhookFieldsFragment }) {
  const [, navigate] = useLocation();
  const turn = useMutation({
    mutationFn: async () =>
      (await client.request(EditWebhookDocument, { input: { id, enabled: !enabled } })).updateWebhook,
    onSettled: reloadWebhooks,
  });
  const rotation = useMutation({
    mutationFn: async () => (await client.request(ReplaceWebhookSecretDocument, { id })).rotateWebhookSecret,
  });
  const removal = useMutation({
    mutationFn: async () => (await client.request(RemoveWebhookDocument, { id })).deleteWebhook,
    onSuccess() {
      void reload('webhooks');
      navigate('/organize/webhooks', { replace: true });
    },
  });
  const problems = [turn, rotation, removal].map(({ error, data }) => error ?? refusalIn(data));
  const problem = problems.find((one) => one != null);
  const secret = rotation.data?.__typename === 'RotateWebhookSecretPayload' ? rotation.data.secret : undefined;
  return (
    <div className="danger">
      {problem && <Problem of={problem} />}
      {secret !== undefined && <Secret secret={secret} />}
      <div className="buttons">
        <Button variant="default" size="sm" loading={turn.isPending} onClick={() => turn.mutate()}>
          {enabled ? 'Switch off' : 'Switch on'}
        </Button>
        <Confirmed
          label="New secret"
          title="Create a new secret?"
          isLoading={rotation.isPending}
          onConfirm={() => rotation.mutate()}
        >
          Messages are signed with the old and the new secret for 24 hours. Change your server in this time.
        </Confirmed>
        <Confirmed
          label="Delete endpoint"
          title="Delete this endpoint?"
          isLoading={removal.isPending}
          onConfirm={() => removal.mutate()}
        >
          It receives no more messages, and its list of messages is deleted. You cannot undo this.
        </Confirmed>
      </div>
    </div>
  );
}

function Deliveries({ id }: { id: string }) {
  const query = useList({
    queryKey: ['webhook', id, 'deliveries'],
    load: async (page, options) =>
      (await client.request(WebhookDeliveriesDocument, { id, ...page }, options)).webhook?.deliveries ?? NO_DELIVERIES,
    refetchMs: (nodes) => (nodes.some(({ status }) => status === 'PENDING') ? REFETCH_MS : false),
  });
  return (
    <section className="card padded" aria-labelledby="messages">
      <h2 id="messages">Messages</h2>
      <List query={query} more="Show more messages" empty={<p className="where">No messages yet.</p>}>
        {(deliveries) => (
          <ul className="entries">
            {deliveries.map((delivery) => (
              <Message key={delivery.id} delivery={delivery} />
            ))}
          </ul>
        )}
      </List>
    </section>
  );
}

function Message({ delivery: { id, kind, status, createdAt, nextAttemptAt, log } }: { delivery: Delivery }) {
  const action = useMutation({
    mutationFn: async () => (await client.request(RedeliverDocument, { deliveryId: id })).redeliverWebhook,
    onSettled: () => reload('webhook'),
  });
  const problem = action.error ?? refusalIn(action.data);
  return (
    <li>
      <div className="entry-head">
        <h3>{KIND_WORDS[kind]}</h3>
        <Badge color={status === 'DELIVERED' ? 'evergreen' : 'gray'}>{STATUS_WORDS[status]}</Badge>
      </div>
      <p className="where">
        {dateTime(createdAt)}
        {nextAttemptAt !== null && ` · next attempt ${dateTime(nextAttemptAt)}`}
      </p>
      {log.length > 0 && (
        <details>
          <summary>{log.length === 1 ? '1 attempt' : `${log.length} attempts`}</summary>
          <ol className="log">
            {log.map(({ startedAt, durationMs, statusCode, error }) => (
              <li key={startedAt}>
                {dateTime(startedAt)}: {error ?? statusCode} after {durationMs} ms
              </li>
            ))}
          </ol>
        </details>
      )}
      {problem && <Problem of={problem} />}
      <Button variant="default" size="xs" className="act" loading={action.isPending} onClick={() => action.mutate()}>
        Send again
      </Button>
    </li>
  );
}

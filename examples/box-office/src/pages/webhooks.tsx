import { Badge, Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { OperationError } from '#client/answers.ts';
import { AddWebhookDocument, OwnWebhooksDocument } from '#client/generated/graphql.ts';
import { client } from '../client.ts';
import { Form, useFields } from '../parts/form.tsx';
import { Empty, Loaded, Page, reload } from '../parts/states.tsx';
import { KIND_WORDS, Secret, stateOf, WebhookInputs, webhookIn } from '../parts/webhooks.tsx';

/** The endpoints that receive messages about the user's events. */
export function WebhooksPage() {
  const query = useQuery({
    queryKey: ['webhooks'],
    async queryFn({ signal }) {
      const { data, errors = [] } = await client.execute(OwnWebhooksDocument, {}, { signal });
      const webhooks = data?.me?.webhooks;
      if (webhooks == null) throw new OperationError(errors, { isMutation: false });
      return webhooks;
    },
  });
  return (
    <Page title="Webhooks" intro="Your own server can receive a signed message when an event or a booking changes.">
      <div className="columns">
        <NewWebhook />
        <Loaded query={query}>
          {(webhooks) =>
            webhooks.length === 0 ? (
              <Empty title="No endpoints yet">
                <p>Enter the address of your server.</p>
              </Empty>
            ) : (
              <ul className="entries">
                {webhooks.map((webhook) => (
                  <li key={webhook.id}>
                    <Link href={`/organize/webhooks/${webhook.id}`} className="card padded endpoint">
                      <div className="entry-head">
                        <h2>{webhook.url}</h2>
                        <Badge color={webhook.enabled ? 'evergreen' : 'gray'}>{stateOf(webhook)}</Badge>
                      </div>
                      <p className="where">{webhook.kinds.map((kind) => KIND_WORDS[kind]).join(' · ')}</p>
                    </Link>
                  </li>
                ))}
              </ul>
            )
          }
        </Loaded>
      </div>
    </Page>
  );
}

function NewWebhook() {
  const action = useMutation({
    mutationFn: async (values: Record<string, string>) =>
      (await client.request(AddWebhookDocument, { input: webhookIn(values) })).createWebhook,
    onSettled: () => reload('webhooks'),
  });
  const created = action.data?.__typename === 'CreateWebhookPayload' ? action.data : undefined;
  return (
    <div className="card padded">
      <Form key={created?.webhook.id} action={action}>
        <WebhookInputs fields={useFields(action.data)} />
        <Button type="submit" loading={action.isPending}>
          Add endpoint
        </Button>
      </Form>
      {created && <Secret secret={created.secret} />}
    </div>
  );
}

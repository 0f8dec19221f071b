import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { root } from '#scripts/local/settings.ts';
import { book, type Client, createEvent, signUp } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';
import { type ReceivedWebhook, startWebhookReceiver } from './support/webhook-receiver.ts';

const SOON = { timeout: 20_000, interval: 50 };
const KINDS = ['EVENT_CREATED', 'EVENT_UPDATED', 'EVENT_CANCELLED', 'BOOKING_CONFIRMED', 'BOOKING_CANCELLED'];

const CREATE = `mutation Create($input: CreateWebhookInput!) {
  createWebhook(input: $input) {
    __typename
    ... on CreateWebhookPayload { secret webhook { id url kinds enabled } }
    ... on WebhookExistsError { webhook { id } }
    ... on WebhookLimitReachedError { limit }
    ... on InvalidInputError { field message }
  }
}`;
const DELIVERIES = `query Deliveries($id: ID!, $first: Int, $after: String) {
  webhook(id: $id) {
    enabled
    deliveries(first: $first, after: $after) {
      nodes { id kind status attempts log { statusCode error } }
      pageInfo { hasNextPage endCursor }
    }
  }
}`;
const REDELIVER = `mutation Redeliver($id: ID!) {
  redeliverWebhook(deliveryId: $id) { __typename ... on RedeliverWebhookPayload { delivery { status } } }
}`;

let system: TestSystem;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let organizer: Client;
let verify: (request: Pick<ReceivedWebhook, 'headers' | 'body'> & { secret: string }) => boolean;

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  system = await startTestSystem({ env: { WEBHOOK_PRIVATE_ADDRESSES: 'allow' } });
  organizer = await signUp(system.graphqlUrl, 'Olga Organizer');
  // The example of the documentation must work as it is printed.
  const [, example = ''] = /```js\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/webhooks.md'), 'utf8')) ?? [];
  const file = join(system.dataDir, `verify-${process.pid}.mjs`);
  writeFileSync(file, example);
  ({ verify } = await import(pathToFileURL(file).href));
});
afterAll(() => Promise.all([system?.stop(), receiver?.stop()]));

async function addWebhook(client: Client, path: string, kinds = KINDS): Promise<{ id: string; secret: string }> {
  const input = { url: `http://127.0.0.1:${receiver.port}/${path}`, kinds };
  const { data } = await client.send(CREATE, { input });
  expect(data.createWebhook.__typename).toBe('CreateWebhookPayload');
  return { id: data.createWebhook.webhook.id, secret: data.createWebhook.secret };
}

const receivedAt = (path: string) => receiver.received.filter((one) => one.path === `/${path}`);
const typesAt = (path: string) => receivedAt(path).map(({ body }) => JSON.parse(body).type as string);

describe('an endpoint of an organizer', () => {
  it('receives signed messages about the events of the organizer and their bookings, and of nobody else', async () => {
    const { id, secret } = await addWebhook(organizer, 'all');
    const eventId = await createEvent(organizer, { name: 'Chamber Music', venue: 'The Old Mill' });
    const buyer = await signUp(system.graphqlUrl, 'Ada');
    const { booking } = await book(buyer, eventId, { seatCount: 2 });
    await book(buyer, await createEvent(buyer));
    await vi.waitFor(() => expect(typesAt('all')).toHaveLength(2), SOON);
    await organizer.send(`mutation { cancelEvent(input: { id: "${eventId}", expectedVersion: 1 }) { __typename } }`);
    await vi.waitFor(() => expect(typesAt('all')).toHaveLength(4), SOON);
    expect(typesAt('all').toSorted()).toEqual([
      'booking.cancelled',
      'booking.confirmed',
      'event.cancelled',
      'event.created',
    ]);
    for (const one of receivedAt('all')) {
      expect(verify({ ...one, secret })).toBe(true);
      expect(verify({ ...one, body: `${one.body} `, secret })).toBe(false);
      expect(verify({ ...one, headers: { ...one.headers, 'webhook-timestamp': '1' }, secret })).toBe(false);
      expect(one.body).not.toContain('@');
    }
    const dataOf = (type: string) =>
      receivedAt('all')
        .map(({ body }) => JSON.parse(body))
        .find((body) => body.type === type)?.data;
    expect(dataOf('booking.confirmed')).toEqual({
      bookingId: booking.id,
      eventId,
      userId: buyer.userId,
      seatCount: 2,
    });
    expect(dataOf('event.created')).toMatchObject({
      eventId,
      name: 'Chamber Music',
      venue: 'The Old Mill',
      version: 1,
    });

    const page = async (after: string | null) =>
      (await organizer.send(DELIVERIES, { id, first: 3, after })).data.webhook.deliveries;
    await vi.waitFor(async () => {
      const first = await page(null);
      const rest = await page(first.pageInfo.endCursor);
      const statuses = [...first.nodes, ...rest.nodes].map(({ status }) => status);
      expect(statuses).toEqual(['DELIVERED', 'DELIVERED', 'DELIVERED', 'DELIVERED']);
    }, SOON);
  });

  it('that fails keeps a log, and a redelivery has the same id', async () => {
    receiver.reply = ({ path }) => ({ status: path === '/failing' ? 500 : 204 });
    const { id } = await addWebhook(organizer, 'failing', ['EVENT_CREATED']);
    await createEvent(organizer);
    const deliveries = async () => (await organizer.send(DELIVERIES, { id })).data.webhook.deliveries.nodes;
    await vi.waitFor(
      async () =>
        expect(await deliveries()).toMatchObject([
          { kind: 'EVENT_CREATED', status: 'PENDING', log: [{ statusCode: 500, error: 'STATUS_500' }] },
        ]),
      SOON,
    );
    receiver.reply = () => ({ status: 204 });
    const [{ id: deliveryId }] = await deliveries();
    const { data } = await organizer.send(REDELIVER, { id: deliveryId });
    expect(data.redeliverWebhook).toEqual({ __typename: 'RedeliverWebhookPayload', delivery: { status: 'PENDING' } });
    await vi.waitFor(async () => expect(await deliveries()).toMatchObject([{ status: 'DELIVERED' }]), SOON);
    expect(new Set(receivedAt('failing').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  });

  it('is created once for a URL, and a user has at most 10', async () => {
    const user = await signUp(system.graphqlUrl, 'Otto');
    const input = { url: 'https://tickets.example/same', kinds: ['EVENT_CREATED'] };
    const answers = await Promise.all(Array.from({ length: 5 }, () => user.send(CREATE, { input })));
    const results = answers.map(({ data }) => data.createWebhook);
    const ids = new Set(results.map(({ webhook }) => webhook.id));
    expect(ids.size).toBe(1);
    expect(results.filter(({ __typename }) => __typename === 'CreateWebhookPayload')).toHaveLength(1);
    expect(results.filter(({ __typename }) => __typename === 'WebhookExistsError')).toHaveLength(4);
    const more = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        user.send(CREATE, { input: { ...input, url: `https://tickets.example/${index}` } }),
      ),
    );
    const refused = more.filter(({ data }) => data.createWebhook.__typename !== 'CreateWebhookPayload');
    expect(refused).toHaveLength(3);
    expect(refused[0]?.data.createWebhook).toEqual({ __typename: 'WebhookLimitReachedError', limit: 10 });
  });

  it('can be changed, switched off and deleted; a URL that is taken and wrong input are refused', async () => {
    const user = await signUp(system.graphqlUrl, 'Oda');
    const { id } = await addWebhook(user, 'oda');
    const other = await addWebhook(user, 'oda-2');
    const update = `mutation Update($input: UpdateWebhookInput!) {
      updateWebhook(input: $input) {
        __typename
        ... on UpdateWebhookPayload { webhook { url kinds enabled disabledReason } }
        ... on WebhookExistsError { webhook { id } }
        ... on InvalidInputError { field }
      }
    }`;
    const change = async (input: object) => (await user.send(update, { input: { id, ...input } })).data.updateWebhook;
    expect(await change({ kinds: ['BOOKING_CONFIRMED'], enabled: false })).toMatchObject({
      webhook: { kinds: ['BOOKING_CONFIRMED'], enabled: false, disabledReason: 'OWNER' },
    });
    expect(await change({ enabled: true })).toMatchObject({ webhook: { enabled: true, disabledReason: null } });
    expect(await change({ url: `http://127.0.0.1:${receiver.port}/oda-2` })).toEqual({
      __typename: 'WebhookExistsError',
      webhook: { id: other.id },
    });
    expect(await change({ url: 'ftp://example.com' })).toEqual({ __typename: 'InvalidInputError', field: 'input.url' });
    const remove = `mutation Remove($id: ID!) { deleteWebhook(id: $id) { __typename } }`;
    for (const result of ['DeleteWebhookPayload', 'WebhookNotFoundError']) {
      expect((await user.send(remove, { id })).data.deleteWebhook.__typename).toBe(result);
    }
    const list = await user.send('{ me { webhooks { id } } }');
    expect(list.data.me.webhooks).toEqual([{ id: other.id }]);
  });
});

it('after a kill of the notification subgraph, the messages of the meantime are delivered', async () => {
  const { secret } = await addWebhook(organizer, 'after-kill', ['BOOKING_CONFIRMED']);
  const eventId = await createEvent(organizer);
  system.kill(system.urls.notification);
  const buyer = await signUp(system.graphqlUrl, 'Bob');
  for (let index = 0; index < 5; index += 1) await book(buyer, eventId);
  await system.restart('notification');
  const ids = () => new Set(receivedAt('after-kill').map(({ headers }) => headers['webhook-id']));
  await vi.waitFor(() => expect(ids().size).toBe(5), { timeout: 60_000, interval: 100 });
  expect(receivedAt('after-kill').every((one) => verify({ ...one, secret }))).toBe(true);
});

it('by default, endpoints in private networks are refused', async () => {
  const strict = await startTestSystem();
  const user = await signUp(strict.graphqlUrl);
  const result = async (url: string) =>
    (await user.send(CREATE, { input: { url, kinds: ['EVENT_CREATED'] } })).data.createWebhook;
  for (const url of ['https://127.0.0.1/', 'https://[::1]/', 'https://169.254.169.254/latest', `http://example.com/`]) {
    expect(await result(url)).toMatchObject({ __typename: 'InvalidInputError', field: 'input.url' });
  }
  // The address is checked again when a message is sent.
  const { webhook } = await result('https://tickets.example/');
  const notifications = await connectTo(strict.databaseUrls.notification);
  await notifications.query("UPDATE webhooks SET url = 'https://10.0.0.1/' WHERE id = ?", [webhook.id]);
  await notifications.end();
  await createEvent(user);
  await vi.waitFor(async () => {
    const { data } = await user.send(DELIVERIES, { id: webhook.id });
    expect(data.webhook.deliveries.nodes).toMatchObject([
      { log: [{ statusCode: null, error: 'ADDRESS_NOT_ALLOWED' }] },
    ]);
  }, SOON);
  await strict.stop();
});

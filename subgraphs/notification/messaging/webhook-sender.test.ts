import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { Webhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startWebhookReceiver } from '#tests/support/webhook-receiver.ts';
import { createWebhookSender, signedHeaders, type WebhookSender } from './webhook-sender.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const request = (url: string) => ({
  url,
  messageId: 'message-1',
  payload: '{"type":"event.created"}',
  secrets: [SECRET],
});

describe('signatures', () => {
  // https://github.com/standard-webhooks/standard-webhooks/blob/main/libraries/javascript/src/index.test.ts
  const OFFICIAL = {
    messageId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    payload: '{"test": 2432232314}',
    time: new Date(1_614_265_330_000),
    signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  };

  test('are those of the test vector of Standard Webhooks', () => {
    const { messageId, payload, time, signature } = OFFICIAL;
    expect(signedHeaders({ messageId, payload, secrets: [SECRET] }, time)).toEqual({
      'webhook-id': messageId,
      'webhook-timestamp': '1614265330',
      'webhook-signature': signature,
    });
  });

  test('are made with each secret, so that both verify during a rotation', () => {
    const secrets = [SECRET, `whsec_${Buffer.alloc(32, 7).toString('base64')}`];
    const payload = '{"name":"Konzert 🎫"}';
    const headers = signedHeaders({ messageId: 'id', payload, secrets }, new Date());
    for (const secret of secrets) expect(new Webhook(secret).verify(payload, headers)).toEqual({ name: 'Konzert 🎫' });
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
    expect(() => new Webhook(other).verify(payload, headers)).toThrow('No matching signature');
  });
});

describe('requests', () => {
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  let sender: WebhookSender;
  beforeEach(async () => {
    receiver = await startWebhookReceiver();
    sender = createWebhookSender({ allowPrivate: true });
  });
  afterEach(() => Promise.all([sender.close(), receiver.stop()]));

  test('carry the body as it is signed', async () => {
    expect(await sender.send(request(`${receiver.url}?a=b`))).toEqual({ statusCode: 204, error: null });
    const [{ path, headers, body } = { path: '', headers: {}, body: '' }] = receiver.received;
    expect(path).toBe('/webhooks?a=b');
    expect(headers).toMatchObject({ 'content-type': 'application/json', 'webhook-id': 'message-1' });
    expect(new Webhook(SECRET).verify(body, headers as Record<string, string>)).toEqual({ type: 'event.created' });
  });

  test.each([301, 302, 307, 308])('a redirect with %s is a failure and is not followed', async (status) => {
    const other = await startWebhookReceiver();
    receiver.reply = () => ({ status, headers: { location: other.url } });
    expect(await sender.send(request(receiver.url))).toEqual({ statusCode: status, error: `STATUS_${status}` });
    expect(other.received).toEqual([]);
    await other.stop();
  });

  test('a long answer is not read to its end', async () => {
    receiver.reply = () => ({ status: 200, body: 'x'.repeat(50_000_000) });
    expect(await sender.send(request(receiver.url))).toEqual({ statusCode: 200, error: null });
  });

  test('a refused connection and a connection that breaks have their codes', async () => {
    const { url } = receiver;
    await receiver.stop();
    expect(await sender.send(request(url))).toEqual({ statusCode: null, error: 'CONNECTION_REFUSED' });
  });
});

describe('private addresses', () => {
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  beforeEach(async () => {
    receiver = await startWebhookReceiver();
  });
  afterEach(() => receiver.stop());

  const sendTo = async (host: string, addresses: readonly string[] = []) => {
    const sender = createWebhookSender({ resolve: async () => addresses });
    const answer = await sender.send(request(`http://${host}:${receiver.port}/`));
    await sender.close();
    return answer;
  };
  const REFUSED = { statusCode: null, error: 'ADDRESS_NOT_ALLOWED' };

  test.each(['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '169.254.169.254', '10.0.0.1'])(
    'the address %s in a URL is refused',
    async (host) => expect(await sendTo(host)).toEqual(REFUSED),
  );

  test.each([[['127.0.0.1']], [['::1']], [['::ffff:127.0.0.1']], [['10.0.0.1', '169.254.169.254']], [['fd00::1']]])(
    'a name that resolves to %j is refused',
    async (addresses) => {
      expect(await sendTo('hooks.example', addresses)).toEqual(REFUSED);
      expect(receiver.received).toEqual([]);
    },
  );

  test('a name that changes its address is checked at each connection (DNS rebinding)', async () => {
    const answers = [['127.0.0.1'], ['127.0.0.1']];
    const asked: string[] = [];
    const sender = createWebhookSender({
      async resolve(hostname) {
        asked.push(hostname);
        return answers.shift() ?? ['8.8.8.8'];
      },
    });
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await sender.send(request(`http://hooks.example:${receiver.port}/`))).toEqual(REFUSED);
    }
    expect(asked).toEqual(['hooks.example', 'hooks.example']);
    await sender.close();
  });

  test('a name without an address has its code', async () => {
    const sender = createWebhookSender({ resolve: () => Promise.reject(new Error('queryA ENOTFOUND')) });
    expect(await sender.send(request('https://hooks.example/'))).toEqual({ statusCode: null, error: 'NAME_NOT_FOUND' });
    await sender.close();
  });

  test('control: the same name is reached when private addresses are allowed', async () => {
    const sender = createWebhookSender({ allowPrivate: true, resolve: async () => ['127.0.0.1'] });
    expect(await sender.send(request(`http://hooks.example:${receiver.port}/`))).toMatchObject({ statusCode: 204 });
    await sender.close();
  });
});

describe('certificates', () => {
  test('must be valid for the name of the endpoint', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'hooks.example' }], {
      keyType: 'ec',
      algorithm: 'sha256',
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'subjectAltName', altNames: [{ type: 2, value: 'hooks.example' }] },
      ],
    });
    const server = createTlsServer({ key, cert }, (_request, response) => response.writeHead(200).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const send = async (host: string, ca?: string) => {
      const sender = createWebhookSender({
        allowPrivate: true,
        resolve: async () => ['127.0.0.1'],
        ...(ca !== undefined && { ca }),
      });
      const answer = await sender.send(request(`https://${host}:${port}/`));
      await sender.close();
      return answer;
    };
    expect(await send('hooks.example', cert)).toEqual({ statusCode: 200, error: null });
    expect(await send('hooks.example')).toEqual({ statusCode: null, error: 'CERTIFICATE_REFUSED' });
    expect(await send('other.example', cert)).toEqual({ statusCode: null, error: 'CERTIFICATE_REFUSED' });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
});

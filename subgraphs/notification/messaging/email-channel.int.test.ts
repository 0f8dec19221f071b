import { createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { inspect } from 'node:util';
import { generate as generateCertificate } from 'selfsigned';
import type { SMTPServerOptions } from 'smtp-server';
import { v7 as newId } from 'uuid';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { publicKeysText } from '#platform/testing/production-env.ts';
import { refusal, startMailServer } from '#tests/support/mail-server.ts';
import { readConfig } from '../config.ts';
import type { Delivery } from '../domain/delivery.ts';
import { createEmailChannel } from './email-channel.ts';

const SOON = { timeout: 10_000, interval: 10 };
const NEVER = new AbortController().signal;

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

async function startServer(options?: SMTPServerOptions) {
  const server = await startMailServer(options);
  opened.push(server.stop);
  return server;
}

/** Creates a channel from environment variables. */
function createChannel(env: NodeJS.ProcessEnv) {
  const required = {
    NOTIFICATION_SUBGRAPH_SECRET: 'a secret of the gateway',
    ACCOUNT_MAIL_SECRET: 'a secret of mailed tokens',
    PUBLIC_URL: 'https://shop.example.com',
    EVENT_SUBGRAPH_SECRET: 'a secret of the event subgraph',
    WEBHOOK_SECRETS_KEY: 'a key for the secrets of webhooks',
    JWT_PUBLIC_KEYS: publicKeysText,
  };
  const { mail } = readConfig({ MAIL_FROM: 'Tickets <tickets@shop.example>', ...required, ...env });
  if (mail === undefined) throw new Error('no SMTP_URL');
  const channel = createEmailChannel(mail);
  opened.push(channel.close);
  return channel;
}

const newDelivery = ({ recipient, event }: { recipient?: object; event?: object } = {}): Delivery => ({
  notification: {
    id: newId(),
    bookingId: newId(),
    userId: newId(),
    eventId: newId(),
    seatCount: 2,
    kind: 'BOOKING_CONFIRMED',
    channel: 'EMAIL',
    status: 'PENDING',
    attempts: 1,
    createdAt: new Date(),
    sentAt: null,
    expiresAt: null,
    requestId: null,
    traceparent: null,
    reason: null,
    changeId: null,
  },
  recipient: { name: 'Ada Lovelace', email: 'ada@example.com', ...recipient },
  event: {
    name: 'Concert',
    venue: 'Hall',
    startsAt: new Date('2030-06-01T19:30:00.000Z'),
    timeZone: 'UTC',
    ...event,
  },
});

/** Returns the error message of a delivery. Checks that the error reveals no person, password or server answer. */
async function failureOf(delivery: Promise<void>): Promise<string> {
  const error = await delivery.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/ada|lovelace|example\.com|hunter2|no such/i);
  return (error as Error).message;
}

test('a mail arrives as text and HTML, with sender, recipient, subject and a unique Message-ID', async () => {
  const server = await startServer();
  const delivery = newDelivery({ recipient: { name: 'Łukasz "Zoë", <eve@example.com>' } });
  await createChannel({ SMTP_URL: server.url }).deliver(delivery, NEVER);
  const { id, bookingId } = delivery.notification;
  expect(server.mails).toHaveLength(1);
  const [mail] = server.mails;
  expect(mail).toMatchObject({
    messageId: `<${id}@shop.example>`,
    from: { name: 'Tickets', address: 'tickets@shop.example' },
    to: [{ name: 'Łukasz "Zoë", <eve@example.com>', address: 'ada@example.com' }],
    subject: 'Booking confirmed: Concert',
    headers: expect.arrayContaining([expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' })]),
    attachments: [],
  });
  for (const form of [mail?.text, mail?.html]) {
    for (const value of ['Łukasz', 'Concert', 'Hall', '2030-06-01T19:30:00.000Z', bookingId])
      expect(form).toContain(value);
  }
});

test('a name cannot add a header, recipient or markup to the mail', async () => {
  const server = await startServer();
  const name = `Concert\r\nBcc: eve@example.com\r\n\r\n<script> 👩‍👩‍👧 ${'é'.repeat(150)}`;
  await createChannel({ SMTP_URL: server.url }).deliver(newDelivery({ recipient: { name }, event: { name } }), NEVER);
  const [mail] = server.mails;
  const oneLine = name.replace(/[\r\n]+/g, ' ');
  expect(mail?.subject).toBe(`Booking confirmed: ${oneLine}`);
  expect(mail?.to).toMatchObject([{ address: 'ada@example.com' }]);
  expect(mail?.bcc ?? []).toEqual([]);
  expect(mail?.text).toContain(`Event: ${oneLine}\n`);
  expect(mail?.html).not.toContain('<script>');
});

test('a second attempt sends the same Message-ID', async () => {
  const server = await startServer();
  const delivery = newDelivery();
  const channel = createChannel({ SMTP_URL: server.url });
  await channel.deliver(delivery, NEVER);
  await channel.deliver({ ...delivery, notification: { ...delivery.notification, attempts: 2 } }, NEVER);
  expect(server.mails.map(({ messageId }) => messageId)).toEqual([
    server.mails[0]?.messageId,
    server.mails[0]?.messageId,
  ]);
});

test.each([550, 451])(
  'a recipient refused with %i is reported only by this code, and the next mail arrives',
  async (code) => {
    const server = await startServer({
      onRcptTo({ address }, _session, done) {
        done(address.startsWith('ada') ? refusal(code, 'no such user ada@example.com') : null);
      },
    });
    const channel = createChannel({ SMTP_URL: server.url });
    expect(await failureOf(channel.deliver(newDelivery(), NEVER))).toContain(`EENVELOPE ${code}`);
    await channel.deliver(newDelivery({ recipient: { email: 'bob@example.com' } }), NEVER);
    expect(server.mails).toHaveLength(1);
  },
);

test.each([554, 452])('a mail refused with %i is reported only by this code', async (code) => {
  const server = await startServer({
    onData(stream, _session, done) {
      stream.resume().on('end', () => done(refusal(code, 'no such luck, ada@example.com')));
    },
  });
  const failure = await failureOf(createChannel({ SMTP_URL: server.url }).deliver(newDelivery(), NEVER));
  expect(failure).toContain(`EMESSAGE ${code}`);
});

test.each<[where: string, options: SMTPServerOptions]>([
  ['before the greeting', { onConnect: () => undefined }],
  ['at the recipient', { onRcptTo: () => undefined }],
  ['after the data', { onData: (stream) => void stream.resume() }],
])(
  'a delivery to a server that hangs %s is aborted by the signal, and its connection is closed',
  async (_where, options) => {
    const server = await startServer(options);
    const abort = new AbortController();
    const delivery = createChannel({ SMTP_URL: server.url }).deliver(newDelivery(), abort.signal);
    await vi.waitFor(() => expect(server.connections()).toBe(1), SOON);
    abort.abort();
    expect(await failureOf(delivery)).toContain('EABORT');
    await vi.waitFor(() => expect(server.connections()).toBe(0), SOON);
  },
);

test('a delivery to a server that sends no greeting is aborted after 5 s without a signal', async () => {
  const server = await startServer({ onConnect: () => undefined });
  const failure = await failureOf(createChannel({ SMTP_URL: server.url }).deliver(newDelivery(), NEVER));
  expect(failure).toContain('ETIMEDOUT');
});

test('a server that closes its connections or is not reachable is reported by code', async () => {
  let connections = 0;
  const closing = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => closing.listen(0, '127.0.0.1', resolve));
  const address = closing.address();
  const SMTP_URL = `smtp://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const channel = createChannel({ SMTP_URL });
  expect(await failureOf(channel.deliver(newDelivery(), NEVER))).toMatch(/ECONNECTION|ESOCKET/);
  expect(connections).toBeLessThanOrEqual(2);
  await new Promise((resolve) => closing.close(resolve));
  expect(await failureOf(channel.deliver(newDelivery(), NEVER))).toContain('ECONNREFUSED');
});

test('a mail is sent although the server has closed the idle connection', async () => {
  const server = await startServer({ socketTimeout: 400 });
  const channel = createChannel({ SMTP_URL: server.url });
  await channel.deliver(newDelivery(), NEVER);
  await vi.waitFor(() => expect(server.connections()).toBe(0), SOON);
  await channel.deliver(newDelivery(), NEVER);
  expect(server.mails).toHaveLength(2);
});

test('a mail is sent although the server ends the connection when the mail begins', async () => {
  const sessions = new Set<string>();
  const server = await startServer({
    onMailFrom(_address, { id }, done) {
      done(sessions.has(id) ? refusal(421, 'closing') : null);
      sessions.add(id);
    },
  });
  const channel = createChannel({ SMTP_URL: server.url });
  for (let count = 0; count < 2; count += 1) await channel.deliver(newDelivery(), NEVER);
  expect(server.mails).toHaveLength(2);
  expect(sessions.size).toBe(2);
});

test('an unavailable server, a permanent refusal and a temporary refusal are distinct errors', async () => {
  const kindOf = async (options: SMTPServerOptions, env: NodeJS.ProcessEnv = {}) => {
    const server = await startServer(options);
    const failure = createChannel({ SMTP_URL: server.url, ...env }).deliver(newDelivery(), NEVER);
    return failure.then(
      () => 'sent',
      (error: unknown) => (error as Error).constructor.name,
    );
  };
  const recipient = (code: number): SMTPServerOptions => ({
    onRcptTo: (_address, _session, done) => done(refusal(code, 'no')),
  });
  const content = (code: number): SMTPServerOptions => ({
    onData: (stream, _session, done) => void stream.resume().on('end', () => done(refusal(code, 'no'))),
  });
  const sender = (code: number): SMTPServerOptions => ({
    onMailFrom: (_address, _session, done) => done(refusal(code, 'no')),
  });
  const greeting = (code: number): SMTPServerOptions => ({ onConnect: (_session, done) => done(refusal(code, 'no')) });
  expect(await kindOf(recipient(550))).toBe('DeliveryRefusedError');
  expect(await kindOf(content(554))).toBe('DeliveryRefusedError');
  expect(await kindOf(recipient(451))).toBe('Error');
  expect(await kindOf(content(452))).toBe('Error');
  // Failures that would also affect other mails.
  expect(await kindOf(recipient(421))).toBe('ChannelAwayError');
  expect(await kindOf(sender(550))).toBe('ChannelAwayError');
  expect(await kindOf(sender(451))).toBe('ChannelAwayError');
  expect(await kindOf(greeting(421))).toBe('ChannelAwayError');
  expect(await kindOf(greeting(554))).toBe('ChannelAwayError');
  expect(await kindOf({}, { SMTP_TLS: 'required' })).toBe('ChannelAwayError');
  expect(await kindOf({}, { SMTP_URL: 'smtp://127.0.0.1:1' })).toBe('ChannelAwayError');
  expect(await kindOf({}, { SMTP_URL: 'smtp://no-such-host.invalid:25' })).toBe('ChannelAwayError');
});

test('mails share a few connections', async () => {
  const sessions = new Set<string>();
  const server = await startServer({
    onMailFrom(_address, { id }, done) {
      sessions.add(id);
      done();
    },
  });
  const channel = createChannel({ SMTP_URL: server.url });
  await Promise.all(Array.from({ length: 50 }, () => channel.deliver(newDelivery(), NEVER)));
  expect(server.mails).toHaveLength(50);
  expect(sessions.size).toBeLessThanOrEqual(channel.deliveriesMax);
});

describe('credentials', () => {
  const account: SMTPServerOptions = {
    authOptional: false,
    onAuth({ username, password }, _session, done) {
      if (username === 'ada@example.com' && password === 'hunter2/@') done(null, { user: username });
      else done(new Error('no such account'));
    },
  };
  const urlWith = (password: string, { host, port }: { host: string; port: number }) =>
    `smtp://${encodeURIComponent('ada@example.com')}:${encodeURIComponent(password)}@${host}:${port}`;

  test('are sent as the URL contains them', async () => {
    const server = await startServer(account);
    await createChannel({ SMTP_URL: urlWith('hunter2/@', server), SMTP_TLS: 'optional' }).deliver(newDelivery(), NEVER);
    expect(server.mails).toHaveLength(1);
  });

  test('that are wrong are reported by code and do not appear in the error', async () => {
    const server = await startServer(account);
    const channel = createChannel({ SMTP_URL: urlWith('hunter2', server), SMTP_TLS: 'optional' });
    expect(await failureOf(channel.deliver(newDelivery(), NEVER))).toContain('EAUTH 535');
  });

  test('are not sent to a server without TLS, unless TLS is optional', async () => {
    const onAuth = vi.fn(account.onAuth);
    const server = await startServer({ ...account, onAuth, disabledCommands: ['STARTTLS'] });
    const channel = createChannel({ SMTP_URL: urlWith('hunter2/@', server) });
    expect(await failureOf(channel.deliver(newDelivery(), NEVER))).toContain('ETLS');
    expect(onAuth).not.toHaveBeenCalled();
  });
});

describe('TLS', () => {
  /** Creates a self-signed certificate for 127.0.0.1. */
  async function createCertificate() {
    const names = [{ name: 'commonName', value: '127.0.0.1' }];
    const { private: key, cert } = await generateCertificate(names, {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    return { key, cert };
  }

  describe.each([
    ['smtp', { hideSTARTTLS: false }],
    ['smtps', { secure: true }],
  ])('by %s://', (protocol, options) => {
    test('is used if the certificate is valid', async () => {
      const sessions: boolean[] = [];
      const certificate = await createCertificate();
      const onMailFrom: SMTPServerOptions['onMailFrom'] = (_address, { secure }, done) => {
        sessions.push(secure);
        done();
      };
      const server = await startServer({ ...certificate, ...options, onMailFrom });
      const SMTP_URL = `${protocol}://${server.host}:${server.port}`;
      expect(await failureOf(createChannel({ SMTP_URL }).deliver(newDelivery(), NEVER))).toContain(
        'DEPTH_ZERO_SELF_SIGNED',
      );
      expect(sessions).toEqual([]);

      const trusted = getCACertificates('default');
      opened.push(() => setDefaultCACertificates(trusted));
      setDefaultCACertificates([...trusted, certificate.cert]);
      await createChannel({ SMTP_URL, SMTP_TLS: 'required' }).deliver(newDelivery(), NEVER);
      expect(sessions).toEqual([true]);
    });
  });
});

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type Client, createClient } from '#client/client.ts';
import { exportAccount } from '#client/export.ts';
import {
  AccountDocument,
  AddWebhookDocument,
  CancelBookingDocument,
  ChangePasswordDocument,
  type CreateWebhookInput,
  DeleteAccountDocument,
  JoinWaitlistDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  SignOutEverywhereDocument,
  VerifyEmailDocument,
} from '#client/generated/graphql.ts';
import { root } from '#scripts/local/settings.ts';
import { book, createEvent, signUp, signUpAdmin } from './support/client.ts';
import { connectTo } from './support/invariants.ts';
import { startMailServer } from './support/mail-server.ts';
import { startTestSystem, type TestSystem } from './support/system.ts';

const SOON = { timeout: 30_000, interval: 100 };
const PASSWORD = 'correct horse battery';
const WEBHOOK = { url: 'https://tickets.example/hooks', kinds: ['EVENT_CREATED'] } satisfies CreateWebhookInput;
const NEW_PASSWORD = 'another horse, another battery';

let system: TestSystem;
let server: Awaited<ReturnType<typeof startMailServer>>;
beforeAll(async () => {
  server = await startMailServer();
  system = await startTestSystem({ env: { SMTP_URL: server.url, PUBLIC_URL: 'https://shop.example' } });
});
afterAll(async () => {
  await system?.stop();
  await server?.stop();
});

interface Person {
  readonly client: Client;
  readonly userId: string;
  readonly email: string;
}

async function register(name = 'Ada Lovelace'): Promise<Person> {
  const client = createClient({ url: system.graphqlUrl });
  const email = `${randomUUID()}@example.com`;
  const result = await client.signUp({ name, email, password: PASSWORD });
  if (result.__typename !== 'Session') throw new Error(result.message);
  return { client, email, userId: result.user.id };
}

/** Waits for the mail with a subject to an address. Returns the token in its link. */
async function tokenFor(email: string, subject: string): Promise<string> {
  const find = () => server.mails.find((mail) => mail.subject === subject && mail.to?.[0]?.address === email);
  await vi.waitFor(() => expect(find()).toBeDefined(), SOON);
  return /https:\/\/shop\.example\/[a-z-]+#token=([\w-]{43})\s/.exec(find()?.text ?? '')?.[1] ?? '';
}

const logs = () => {
  const folder = join(system.dataDir, 'logs');
  const files = globSync(`${system.natsPrefix.replace('.', '')}-*.log`, { cwd: folder });
  return files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
};

it('a forgotten password is reset by mail; the token works once and is readable nowhere', async () => {
  const { client, email } = await register();
  const visitor = createClient({ url: system.graphqlUrl });
  expect(await visitor.request(RequestPasswordResetDocument, { email })).toEqual({ requestPasswordReset: true });
  const token = await tokenFor(email, 'Set a new password');

  const admin = await signUpAdmin(system);
  const { data } = await admin.send(`{
    notifications(first: 100) { nodes { id kind booking { id } user { id name email } } }
    deadLetters(first: 100) { nodes { subject payload reason } }
    users(first: 100) { nodes { id name email } }
  }`);
  expect(JSON.stringify(data)).not.toContain(token);
  for (const name of ['user', 'notification'] as const) {
    const database = await connectTo(system.ownerUrl(name));
    for (const [table = ''] of await database.query<string[][]>({ sql: 'SHOW TABLES', rowsAsArray: true })) {
      expect(JSON.stringify(await database.query(`SELECT * FROM ${table}`))).not.toContain(token);
    }
    await database.end();
  }

  expect(await visitor.resetPassword({ token, newPassword: NEW_PASSWORD })).toMatchObject({ user: { email } });
  expect(await createClient({ url: system.graphqlUrl }).resetPassword({ token, newPassword: PASSWORD })).toMatchObject({
    code: 'INVALID_TOKEN',
  });
  expect((await visitor.request(AccountDocument)).me).toMatchObject({ email, emailVerified: true, sessions: [{}] });
  expect(await client.signIn({ email, password: PASSWORD })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  await vi.waitFor(() => expect(logs()).toContain('mail with a token sent'), SOON);
  expect(logs()).not.toContain(token);
});

it('a request for an unknown e-mail gets the same answer, and no mail', async () => {
  const { email } = await register();
  const visitor = createClient({ url: system.graphqlUrl });
  const unknown = `${randomUUID()}@example.com`;
  const answers = [
    await visitor.execute(RequestPasswordResetDocument, { email: unknown }),
    await visitor.execute(RequestPasswordResetDocument, { email }),
  ];
  expect(answers[0]).toEqual(answers[1]);
  await tokenFor(email, 'Set a new password');
  expect(server.mails.filter(({ to }) => to?.[0]?.address === unknown)).toEqual([]);
});

it('an e-mail is verified by mail, a password is changed, and all sessions end', async () => {
  const { client, email } = await register();
  await client.request(RequestEmailVerificationDocument);
  const token = await tokenFor(email, 'Verify your e-mail address');
  // The mail may be read on another device.
  const elsewhere = createClient({ url: system.graphqlUrl });
  expect((await elsewhere.request(VerifyEmailDocument, { token })).verifyEmail.__typename).toBe('VerifyEmailPayload');

  await elsewhere.signIn({ email, password: PASSWORD });
  expect((await client.request(AccountDocument)).me?.sessions?.map(({ current }) => current)).toEqual([false, true]);
  const input = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
  const { changePassword } = await client.request(ChangePasswordDocument, { input });
  expect(changePassword.__typename).toBe('ChangePasswordPayload');
  expect((await client.request(AccountDocument)).me).toMatchObject({
    emailVerified: true,
    sessions: [{ current: true }],
  });
  await client.request(SignOutEverywhereDocument);
  // The access token works until it expires.
  expect((await client.request(AccountDocument)).me).toMatchObject({ sessions: [] });
});

it('the export has all pages of the data of the user', async () => {
  const organizer = await signUp(system.graphqlUrl, 'Olga Organizer');
  const eventId = await createEvent(organizer, { totalSeats: 1_000 });
  const { client, email, userId } = await register();
  const startsAt = new Date(Date.now() + 86_400_000).toISOString();
  await client.addEvent({ name: 'Reading Group', startsAt, totalSeats: 10 });
  await client.request(AddWebhookDocument, { input: WEBHOOK });
  await Promise.all(Array.from({ length: 105 }, () => client.book({ eventId, seatCount: 1 })));
  await client.hold({ eventId, seatCount: 3 });
  const full = await createEvent(organizer, { totalSeats: 1 });
  await book(organizer, full);
  await client.request(JoinWaitlistDocument, { input: { eventId: full } });
  await vi.waitFor(async () => expect((await exportAccount(client)).notifications).toHaveLength(105), SOON);
  const exported = await exportAccount(client);
  expect(exported).toMatchObject({
    account: { id: userId, email },
    events: [{ name: 'Reading Group' }],
    webhooks: [WEBHOOK],
  });
  expect(new Set(exported.bookings.map(({ id }) => id)).size).toBe(105);
  expect(exported.holds).toMatchObject([{ seatCount: 3, status: 'HELD', event: { id: eventId } }]);
  expect(exported.waitlistEntries).toMatchObject([
    { seatCount: 1, status: 'WAITING', event: { id: full }, hold: null },
  ]);
  for (const { ticket } of exported.bookings) expect(ticket?.code).toMatch(/^[A-Z2-7]{168}$/);
});

it('a deleted account leaves its bookings without a person, and every subgraph forgets', async () => {
  const organizer = await signUp(system.graphqlUrl, 'Olga Organizer');
  const eventId = await createEvent(organizer);
  const name = `Augusta ${randomUUID()}`;
  const { client, email, userId } = await register(name);
  await client.request(AddWebhookDocument, { input: WEBHOOK });
  const booked = await client.book({ eventId, seatCount: 2 });
  const bookingId = booked.__typename === 'CreateBookingPayload' ? booked.booking.id : '';
  const notifications = await connectTo(system.databaseUrls.notification);
  const contacts = () => notifications.query<object[]>('SELECT * FROM contacts WHERE user_id = ?', [userId]);
  await vi.waitFor(async () => expect(await contacts()).toHaveLength(1), SOON);

  const { deleteAccount } = await client.request(DeleteAccountDocument, { input: { password: PASSWORD } });
  expect(deleteAccount.__typename).toBe('DeleteAccountPayload');
  await vi.waitFor(async () => expect(await contacts()).toEqual([]), SOON);
  expect(await notifications.query('SELECT id FROM webhooks WHERE user_id = ?', [userId])).toEqual([]);

  const query = `query Bookings($id: ID!) {
    event(id: $id) { availableSeats bookings { nodes { id status user { id name email deleted } } } }
  }`;
  const { data } = await organizer.send(query, { id: eventId });
  expect(data.event).toEqual({
    availableSeats: 98,
    bookings: {
      nodes: [
        { id: bookingId, status: 'CONFIRMED', user: { id: userId, name: 'Deleted user', email: null, deleted: true } },
      ],
    },
  });

  // The access token still works: the booking counts, and nobody is notified.
  expect(await client.book({ eventId, seatCount: 1 })).toMatchObject({ __typename: 'CreateBookingPayload' });
  const admin = await signUpAdmin(system);
  const forDeleted = await admin.send(
    `mutation Book($input: CreateBookingInput!) { createBooking(input: $input) { ... on DomainError { code } } }`,
    { input: { eventId, idempotencyKey: randomUUID(), userId } },
  );
  expect(forDeleted.data.createBooking).toEqual({ code: 'USER_NOT_FOUND' });
  const cancelled = await client.request(CancelBookingDocument, { input: { id: bookingId } });
  expect(cancelled.cancelBooking.__typename).toBe('CancelBookingPayload');
  await expect(client.request(AddWebhookDocument, { input: WEBHOOK })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  });

  expect(await client.signIn({ email, password: PASSWORD })).toMatchObject({ code: 'INVALID_CREDENTIALS' });
  expect(await createClient({ url: system.graphqlUrl }).signUp({ name, email, password: PASSWORD })).toMatchObject({
    __typename: 'Session',
  });
  expect(await notifications.query('SELECT * FROM notifications WHERE user_id = ?', [userId])).toEqual([]);
  await notifications.end();
});

it('the command line does the same', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'ebs-cli-'));
  const cli = async (args: readonly string[], ...lines: readonly string[]): Promise<string> => {
    const file = join(root, 'scripts/cli.ts');
    const running = promisify(execFile)(process.execPath, [file, ...args, '--url', system.graphqlUrl], {
      env: { ...process.env, DATA_DIR: dataDir },
      timeout: 30_000,
    });
    running.child.stdin?.end(lines.map((line) => `${line}\n`).join(''));
    return (await running).stdout;
  };
  const email = `${randomUUID()}@example.com`;
  await cli(['sign-up', 'Carl', 'Commander', email], PASSWORD);
  await cli(['verify-email']);
  expect(await cli(['verify-email', await tokenFor(email, 'Verify your e-mail address')])).toContain('is verified');
  expect(await cli(['change-password'], PASSWORD, NEW_PASSWORD)).toContain('The password is changed.');
  const sessions = await cli(['sessions']);
  expect(sessions).toContain('(this one)');
  expect(await cli(['end-session', randomUUID()])).toContain('The session has ended.');
  expect(JSON.parse(await cli(['export']))).toMatchObject({ account: { email, emailVerified: true }, bookings: [] });
  await cli(['forgot-password', email]);
  const token = await tokenFor(email, 'Set a new password');
  expect(await cli(['reset-password', token], PASSWORD)).toContain('Signed in as Carl Commander.');
  await cli(['sign-out-everywhere']);
  await expect(cli(['export'])).rejects.toMatchObject({ stderr: expect.stringContaining('Sign in first') });
  await cli(['sign-in', email], PASSWORD);
  await expect(cli(['delete-account'], 'a wrong password')).rejects.toMatchObject({ code: 1 });
  expect(await cli(['delete-account'], PASSWORD)).toContain('The account is deleted.');
  rmSync(dataDir, { recursive: true });
});

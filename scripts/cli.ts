/**
 * npm run cli -- <command> [--url http://localhost:4000/graphql]
 *
 *   sign-up <name> <e-mail>         registers a user; asks for the password, or reads it from standard input
 *   sign-in <e-mail>                signs in; asks for the password in the same way
 *   sign-out                        ends the session
 *   forgot-password <e-mail>        asks for a mail with a token that sets a new password
 *   reset-password <token>          sets a new password with the token, and signs in
 *   change-password                 asks for the current and the new password
 *   verify-email [token]            asks for a mail with a token, or verifies your e-mail with the token
 *   sessions                        lists your sessions
 *   end-session <session>           ends one of your sessions by its id
 *   sign-out-everywhere             ends all your sessions
 *   export                          prints all your data as JSON
 *   delete-account                  deletes your account; asks for the password
 *   events [words]                  lists the events whose names contain the words
 *   book <event> [--seats 1]        books seats of an event, by its id or by words of its name; --key repeats a booking;
 *                                   waits if the event has a line
 *   hold <event> [--seats 1]        keeps seats of an event for some minutes, with --key like book
 *   confirm <hold>                  books the seats of a hold by its id
 *   release <hold>                  gives the seats of a hold back
 *   bookings                        lists your bookings
 *   cancel <booking>                cancels a booking by its id
 *
 * An example of clients/typescript. Keeps the session in the data folder, in a file that only its owner can read.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { OperationError } from '#client/answers.ts';
import { type Client, createClient, createKey } from '#client/client.ts';
import { exportAccount } from '#client/export.ts';
import {
  AccountDocument,
  type AccountQuery,
  type BookingFieldsFragment,
  CancelBookingDocument,
  ChangePasswordDocument,
  ConfirmHoldDocument,
  DeleteAccountDocument,
  EndSessionDocument,
  type EventFieldsFragment,
  EventPageDocument,
  EventsDocument,
  OwnBookingsDocument,
  ReleaseHoldDocument,
  RequestEmailVerificationDocument,
  RequestPasswordResetDocument,
  SignOutEverywhereDocument,
  VerifyEmailDocument,
} from '#client/generated/graphql.ts';
import type { Queued } from '#client/line.ts';
import type { Session, SessionStore } from '#client/sessions.ts';
import { parseArguments, runScript } from './local/run-script.ts';
import { LocalError, loadEnvironment, readSettings } from './local/settings.ts';

const USAGE = [
  'npm run cli -- sign-up <name> <e-mail> | sign-in <e-mail> | sign-out | events [words] | book <event> [--seats 1] | bookings | cancel <booking>',
  'hold <event> [--seats 1] | confirm <hold> | release <hold>',
  'forgot-password <e-mail> | reset-password <token> | change-password | verify-email [token]',
  'sessions | end-session <session> | sign-out-everywhere | export | delete-account',
].join('\n  | ');
const NEEDS_TEXT = [
  'sign-up',
  'sign-in',
  'book',
  'hold',
  'confirm',
  'release',
  'cancel',
  'forgot-password',
  'reset-password',
  'end-session',
];
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Keeps the session of one system in a file. A session of another system is not sent to it. */
function createFileStore(file: string, url: string): SessionStore {
  return {
    load() {
      try {
        const kept = JSON.parse(readFileSync(file, 'utf8')) as { url: string; session: Session };
        return kept.url === url ? kept.session : null;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    save(session) {
      if (session === null) return rmSync(file, { force: true });
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      writeFileSync(`${file}.new`, JSON.stringify({ url, session }), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    },
  };
}

/** Asks for passwords without showing them. Reads lines of standard input if it is not a terminal. */
async function readPasswords<Labels extends readonly string[]>(
  ...labels: Labels
): Promise<{ [Index in keyof Labels]: string }> {
  const output = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY });
  const given: string[] = [];
  const ask = () => process.stdin.isTTY && process.stderr.write(`${labels[given.length]}: `);
  ask();
  for await (const line of lines) {
    given.push(line);
    if (process.stdin.isTTY) process.stderr.write('\n');
    if (given.length === labels.length) return given as { [Index in keyof Labels]: string };
    ask();
  }
  throw new LocalError('A password is needed.');
}

const seatsText = (count: number) => `${count} ${count === 1 ? 'seat' : 'seats'}`;
const timeText = (iso: string) => iso.slice(0, 16).replace('T', ' ');

const describeEvent = ({ id, name, startsAt, venue, ...facts }: EventFieldsFragment) =>
  `${id}  ${timeText(startsAt)}  ${name}${venue ? `, ${venue}` : ''}: ${describeSale(facts)}`;

function describeSale({
  availableSeats,
  totalSeats,
  status,
  salesStartAt,
  salesEndAt,
  maxSeatsPerUser,
}: Omit<EventFieldsFragment, 'id' | 'name' | 'startsAt' | 'venue'>): string {
  if (status === 'CANCELLED') return 'cancelled';
  return [
    `${availableSeats ?? '?'} of ${totalSeats ?? '?'} seats free`,
    ...(maxSeatsPerUser === null ? [] : [`at most ${maxSeatsPerUser} per user`]),
    ...(salesStartAt === null ? [] : [`on sale from ${timeText(salesStartAt)} UTC`]),
    ...(salesEndAt === null ? [] : [`on sale until ${timeText(salesEndAt)} UTC`]),
  ].join(', ');
}

type SeatsResult = Awaited<ReturnType<Client['book'] | Client['hold']>>;

/** Says why a user gets no seats, with the numbers that the user needs. */
function describeRefusal(
  refusal: Exclude<SeatsResult, { __typename: 'CreateBookingPayload' | 'HoldSeatsPayload' }>,
): string {
  switch (refusal.__typename) {
    case 'SoldOutError':
      return `${refusal.message} It has ${seatsText(refusal.availableSeats)}.`;
    case 'SalesNotStartedError':
      return `${refusal.message} It starts at ${timeText(refusal.salesStartAt)} UTC.`;
    case 'SalesEndedError':
      return `${refusal.message} It ended at ${timeText(refusal.salesEndAt)} UTC.`;
    case 'UserLimitReachedError':
      return `One user can have at most ${seatsText(refusal.maxSeatsPerUser)}. You can book ${refusal.seatsLeft} more.`;
    default:
      return refusal.message;
  }
}

/** Shows the place in the line of the event, while the client waits for its turn. */
const onQueued = ({ position, comeBackAt }: Queued): void =>
  void process.stderr.write(
    `You are number ${position + 1} in the line. Next try at ${comeBackAt.slice(11, 19)} UTC.\n`,
  );

const describeBooking = ({ id, seatCount, status, event }: BookingFieldsFragment) =>
  `${id}  ${status.toLowerCase()}  ${seatCount} × ${event?.name ?? 'an event that cannot be read now'}`;

const describeSession = ({ id, createdAt, lastUsedAt, current }: Sessions[number]) =>
  `${id}  signed in ${createdAt}, last used ${lastUsedAt}${current ? '  (this one)' : ''}`;
type Sessions = NonNullable<NonNullable<AccountQuery['me']>['sessions']>;

async function findEvent(client: Client, text: string): Promise<EventFieldsFragment> {
  if (ID.test(text)) {
    const { event } = await client.request(EventPageDocument, { id: text });
    if (event === null) throw new LocalError(`There is no event ${text}.`);
    return event;
  }
  const { nodes } = (await client.request(EventsDocument, { filter: { nameContains: text } })).events;
  const [event, ...others] = nodes;
  if (event === undefined) throw new LocalError(`There is no future event with these words in its name: ${text}`);
  if (others.length > 0) throw new LocalError(['Which of these events?', ...nodes.map(describeEvent)].join('\n'));
  return event;
}

/** Returns the member of a union that is not a refusal. @throws LocalError with the message of the refusal */
function accept<Result extends { __typename: string }>(result: Result): Exclude<Result, { message: string }> {
  if ('message' in result) throw new LocalError(String(result.message));
  return result as Exclude<Result, { message: string }>;
}

/** Runs a command about the user's account. Returns what to print, or undefined if it is another command. */
async function runForAccount(client: Client, command: string, text: string): Promise<string | undefined> {
  switch (command) {
    case 'forgot-password':
      await client.request(RequestPasswordResetDocument, { email: text });
      return 'If there is an account with this e-mail, a mail is on its way.';
    case 'reset-password': {
      const [newPassword] = await readPasswords('New password');
      const { user } = accept(await client.resetPassword({ token: text, newPassword }));
      return `The password is changed. Signed in as ${user.name}.`;
    }
    case 'change-password': {
      const [currentPassword, newPassword] = await readPasswords('Current password', 'New password');
      accept(
        (await client.request(ChangePasswordDocument, { input: { currentPassword, newPassword } })).changePassword,
      );
      return 'The password is changed. Your other sessions have ended.';
    }
    case 'verify-email':
      if (text === '') {
        await client.request(RequestEmailVerificationDocument);
        return 'A mail is on its way, unless your e-mail is already verified.';
      }
      accept((await client.request(VerifyEmailDocument, { token: text })).verifyEmail);
      return 'The e-mail is verified.';
    case 'sessions': {
      const { me } = await client.request(AccountDocument);
      return me?.sessions?.map(describeSession).join('\n') || 'Nobody is signed in.';
    }
    case 'end-session':
      await client.request(EndSessionDocument, { id: text });
      return 'The session has ended.';
    case 'sign-out-everywhere':
      await client.request(SignOutEverywhereDocument);
      await client.signOut();
      return 'Signed out everywhere.';
    case 'export':
      return JSON.stringify(await exportAccount(client), null, 2);
    case 'delete-account': {
      const [password] = await readPasswords('Password');
      accept((await client.request(DeleteAccountDocument, { input: { password } })).deleteAccount);
      await client.signOut();
      return 'The account is deleted.';
    }
    default:
      return undefined;
  }
}

/** Runs a command. Returns what to print. @throws LocalError for a refusal, or with the usage */
async function run(
  client: Client,
  [command = '', ...args]: readonly string[],
  { seatCount, key }: { seatCount: number; key: string },
): Promise<string> {
  const text = args.join(' ');
  if (text === '' && NEEDS_TEXT.includes(command)) throw new LocalError(`Usage: ${USAGE}`);
  switch (command) {
    case 'sign-up': {
      const [name, email = ''] = [args.slice(0, -1).join(' '), args.at(-1)];
      const [password] = await readPasswords('Password');
      return `Signed in as ${accept(await client.signUp({ name, email, password })).user.name}.`;
    }
    case 'sign-in': {
      const [password] = await readPasswords('Password');
      const { user } = accept(await client.signIn({ email: text, password }));
      return `Signed in as ${user.name}.`;
    }
    case 'sign-out':
      await client.signOut();
      return 'Signed out.';
    case 'events': {
      const { events } = await client.request(EventsDocument, text ? { filter: { nameContains: text } } : {});
      return events.nodes.map(describeEvent).join('\n') || 'There are no such events.';
    }
    case 'book': {
      const { id: eventId, name } = await findEvent(client, text);
      const result = await client.book({ eventId, seatCount, idempotencyKey: key }, { onQueued });
      if (result.__typename !== 'CreateBookingPayload') throw new LocalError(describeRefusal(result));
      const { booking, replayed } = result;
      return `${replayed ? 'Already booked' : 'Booked'}: ${booking.seatCount} × ${name}. The booking is ${booking.id}.`;
    }
    case 'hold': {
      const { id: eventId, name } = await findEvent(client, text);
      const result = await client.hold({ eventId, seatCount, idempotencyKey: key }, { onQueued });
      if (result.__typename !== 'HoldSeatsPayload') throw new LocalError(describeRefusal(result));
      const { id, seatCount: held, status, expiresAt } = result.hold;
      const until = `${expiresAt.slice(11, 19)} UTC`;
      return `${status === 'HELD' ? `Held until ${until}` : status.toLowerCase()}: ${held} × ${name}. The hold is ${id}.`;
    }
    case 'confirm': {
      const { confirmHold } = await client.request(ConfirmHoldDocument, { input: { id: text } });
      return describeBooking(accept(confirmHold).booking);
    }
    case 'release': {
      const { releaseHold } = await client.request(ReleaseHoldDocument, { input: { id: text } });
      const { seatCount: held, status } = accept(releaseHold).hold;
      return `The hold of ${seatsText(held)} is ${status.toLowerCase()}.`;
    }
    case 'bookings': {
      const { bookings } = await client.request(OwnBookingsDocument);
      return bookings.nodes.map(describeBooking).join('\n') || 'You have no bookings.';
    }
    case 'cancel': {
      const { cancelBooking } = await client.request(CancelBookingDocument, { input: { id: text } });
      return describeBooking(accept(cancelBooking).booking);
    }
    default: {
      const done = await runForAccount(client, command, text);
      if (done === undefined) throw new LocalError(`Usage: ${USAGE}`);
      return done;
    }
  }
}

async function main(): Promise<void> {
  const { dataDir, ports } = readSettings(loadEnvironment());
  const { values, positionals } = parseArguments(
    {
      options: {
        url: { type: 'string', default: `http://localhost:${ports.gateway}/graphql` },
        seats: { type: 'string', default: '1' },
        key: { type: 'string', default: createKey() },
      },
      allowPositionals: true,
    },
    USAGE,
  );
  const store = createFileStore(join(dataDir, 'cli', 'session.json'), values.url);
  try {
    const intent = { seatCount: Number(values.seats), key: values.key };
    console.log(await run(createClient({ url: values.url, store }), positionals, intent));
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
    throw new LocalError(explain(error, { command: positionals[0], key: values.key, url: values.url }));
  }
}

function explain(
  { code, message, isOutcomeUnknown }: OperationError,
  { command, key, url }: { command: string | undefined; key: string; url: string },
): string {
  if (code === 'NOT_SENT') return `${url} cannot be reached. Is the system running?`;
  if (code === 'UNAUTHENTICATED') return 'Sign in first: npm run cli -- sign-in <e-mail>';
  if (!isOutcomeUnknown) return message;
  const advice =
    command === 'book' || command === 'hold'
      ? `Run it again with --key ${key}: it takes seats at most once.`
      : 'Check whether it happened before you try again.';
  return `${message}\nIt is not known whether this happened. ${advice}`;
}

await runScript(main);
